//! Adds what is new to `Cargo.toml` files, and leaves everything else in them as it is.

use anyhow::{Context, Result, bail};
use manifest::MAX_USES;
use toml_edit::{Array, DocumentMut, Item, Value};

/// Adds a folder to the lists of packages, beside those of the same folder and in alphabetical order.
///
/// # Errors
///
/// If the file has no such lists.
pub fn add_member(text: &str, folder: &str) -> Result<String> {
    let mut document: DocumentMut = text.parse().context("it is not TOML")?;
    for list in ["members", "default-members"] {
        let members = array(&mut document, &["workspace", list])?;
        let place = place(members, folder);
        // A comment at the end of the line before stays there; toml_edit keeps it in front of what comes next.
        let next = members.get(place).and_then(|value| value.decor().prefix()).unwrap_or(members.trailing());
        let (comment, rest) = next.as_str().and_then(|text| text.split_once('\n')).unwrap_or_default();
        let (comment, rest) = (format!("{comment}\n    "), format!("\n{rest}"));
        match members.get_mut(place) {
            Some(value) => value.decor_mut().set_prefix(rest),
            None => members.set_trailing(rest),
        }
        let mut value = Value::from(folder);
        value.decor_mut().set_prefix(comment);
        members.insert_formatted(place, value);
    }
    Ok(document.to_string())
}

/// Where a folder belongs in a list: before the first one beside it that comes later, or behind the last one.
fn place(members: &Array, folder: &str) -> usize {
    let parent = folder.split_inclusive('/').next().unwrap_or_default();
    let beside = || {
        let members = members.iter().enumerate().filter_map(|(index, value)| Some((index, value.as_str()?)));
        members.filter(|(_, other)| other.starts_with(parent))
    };
    let later = beside().find(|(_, other)| *other > folder).map(|(index, _)| index);
    later.or_else(|| beside().last().map(|(index, _)| index + 1)).unwrap_or(members.len())
}

/// Adds a service to those that a program uses.
///
/// # Errors
///
/// If the file has no such list, or it is full.
pub fn add_use(text: &str, service: &str) -> Result<String> {
    let mut document: DocumentMut = text.parse().context("it is not TOML")?;
    let uses = array(&mut document, &["package", "metadata", "resea", "uses"])?;
    if uses.len() >= MAX_USES {
        bail!("`uses` has {MAX_USES} services, and no room for `{service}`: remove one");
    }
    uses.push(service);
    Ok(document.to_string())
}

fn array<'a>(document: &'a mut DocumentMut, path: &[&str]) -> Result<&'a mut Array> {
    let item = path.iter().try_fold(document.as_item_mut(), |item, key| item.get_mut(key));
    item.and_then(Item::as_array_mut).with_context(|| format!("it has no list `{}`", path.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_added_where_they_belong() {
        let before = "# kept\n[workspace]\nmembers = [\n    \"abi\",\n    \"servers/b\", # why\n    \"servers/d\",\n    \
                      \"tests\",\n]\ndefault-members = [\n    \"abi\", # first\n]\n";
        let after = add_member(before, "servers/c").expect("it has lists");
        assert_eq!(
            after,
            "# kept\n[workspace]\nmembers = [\n    \"abi\",\n    \"servers/b\", # why\n    \"servers/c\",\n    \
             \"servers/d\",\n    \"tests\",\n]\ndefault-members = [\n    \"abi\", # first\n    \"servers/c\",\n]\n"
        );
        assert!(
            add_member(&after, "servers/e").expect("lists").contains("\"servers/d\",\n    \"servers/e\",\n")
        );
        assert_eq!(
            add_member("[workspace]\n", "x").unwrap_err().to_string(),
            "it has no list `workspace.members`"
        );
    }

    #[test]
    fn services_are_added_until_the_list_is_full() {
        let before = "[package.metadata.resea]\nuses = [\"a\"]\n";
        assert_eq!(
            add_use(before, "b").expect("it fits"),
            "[package.metadata.resea]\nuses = [\"a\", \"b\"]\n"
        );
        let mut text = before.to_string();
        for number in 1..MAX_USES {
            text = add_use(&text, &format!("s{number}")).expect("it fits");
        }
        let error = add_use(&text, "z").unwrap_err().to_string();
        assert_eq!(error, "`uses` has 16 services, and no room for `z`: remove one");
    }
}
