//! What is named on the command line: a file of this machine, or one in an image.

use std::path::PathBuf;

/// A file or directory in an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InImage {
    /// The image.
    pub image: PathBuf,
    /// The path in it, without `/` at its ends; empty for the root.
    pub path: String,
    /// Whether it was written as a directory, with a `/` at the end.
    pub is_directory: bool,
}

impl InImage {
    /// The last name of the path.
    pub fn name(&self) -> Option<&str> {
        self.path.rsplit('/').next().filter(|name| !name.is_empty())
    }
}

/// A file or directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// `IMAGE:/PATH`.
    Image(InImage),
    /// Of this machine.
    Here(PathBuf),
}

impl From<&str> for Place {
    fn from(text: &str) -> Self {
        match text.split_once(":/") {
            Some((image, path)) if !image.is_empty() => {
                let is_directory = path.is_empty() || path.ends_with('/');
                Self::Image(InImage {
                    image: image.into(),
                    path: path.trim_matches('/').into(),
                    is_directory,
                })
            }
            _ => Self::Here(text.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_images_have_a_colon_and_a_slash() {
        let image = |path: &str, is_directory| {
            Place::Image(InImage { image: "a.img".into(), path: path.into(), is_directory })
        };
        assert_eq!(Place::from("a.img:/"), image("", true));
        assert_eq!(Place::from("a.img:/b/c"), image("b/c", false));
        assert_eq!(Place::from("a.img:/b/"), image("b", true));
        for here in ["a.img", "a:b", ":/x", "./a/b"] {
            assert_eq!(Place::from(here), Place::Here(here.into()));
        }
        let Place::Image(place) = Place::from("a.img:/b/c") else { panic!("it is in an image") };
        assert_eq!(place.name(), Some("c"));
    }
}
