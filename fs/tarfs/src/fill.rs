//! Fills a tree with what an archive or the boot image has. The content stays where it is.

use crate::Files;
use crate::archive::{Bytes, Kind, Member, Reader};
use crate::content::{Content, SIZE_MAX};
use crate::store::{Origin, Store};
use crate::tree::{Body, NodeId, ROOT};
use alloc::string::String;
use interfaces::fs::{NAME_MAX, PATH_MAX};
use ipc::Error;

/// What of an archive is not in the tree: symbolic links, devices, sparse files, and what has no place there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LeftOut {
    /// How many.
    pub count: usize,
    /// The first one's path.
    pub first: String,
}

/// Puts all that an archive has into an empty tree. Where a path is there twice, the last one counts, but that no file takes the
/// place of a directory with something in it. A hard link is a file of its own with the same content. `part` is the
/// archive's in the tree's store.
///
/// Errors: those of the reader, and `OutOfMemory` (it has too many names for this tree).
pub fn fill<S: Store>(files: &mut Files<S>, part: u32, bytes: &mut dyn Bytes) -> Result<LeftOut, Error> {
    let mut left_out = LeftOut::default();
    let mut reader = Reader::new(bytes);
    while let Some(member) = reader.next_member()? {
        let added =
            body(files, part, &member).and_then(|body| add(files, &member.path, body, member.modified));
        match added {
            Ok(()) => {}
            Err(error @ (Error::OutOfMemory | Error::NoSpace)) => {
                return Err(if error == Error::NoSpace { Error::OutOfMemory } else { error });
            }
            Err(_) => {
                left_out.count += 1;
                if left_out.count == 1 {
                    left_out.first = member.path;
                }
            }
        }
    }
    Ok(left_out)
}

/// What a member becomes.
///
/// Errors: `TooLarge`, `NotSupported` (it becomes nothing), and of a link to what is no file, those of [`find`].
fn body<S: Store>(files: &Files<S>, part: u32, member: &Member) -> Result<Body, Error> {
    let origin = match member.kind {
        Kind::File if member.size > SIZE_MAX => return Err(Error::TooLarge),
        Kind::File => Origin { part, at: member.at, length: member.size },
        Kind::Directory => return Ok(Body::Directory(Default::default())),
        Kind::Link => match &files.tree.get(find(files, &member.target)?)?.body {
            Body::File(content) => content.origin(),
            Body::Directory(_) => return Err(Error::IsADirectory),
        },
        Kind::Other => return Err(Error::NotSupported),
    };
    Ok(Body::File(Content::of(origin)))
}

/// The names of a path.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty() && *name != ".")
}

/// What is at a path.
///
/// Errors: `NotFound`, `NotADirectory`.
fn find<S: Store>(files: &Files<S>, path: &str) -> Result<NodeId, Error> {
    names(path).try_fold(ROOT, |directory, name| files.tree.lookup(directory, name))
}

/// Puts a file or directory at a path, with the directories that it is in.
///
/// Errors: `BadName`, `NotADirectory` (a file is in the way), `NotEmpty` (so is a directory), `NoSpace`.
pub fn add<S: Store>(files: &mut Files<S>, path: &str, body: Body, modified: i64) -> Result<(), Error> {
    let is_bad = |name: &str| name == ".." || name.len() > NAME_MAX || name.contains('\0');
    if path.len() > PATH_MAX || names(path).any(is_bad) {
        return Err(Error::BadName);
    }
    let mut names = names(path).peekable();
    let mut directory = ROOT;
    while let Some(name) = names.next() {
        if names.peek().is_none() {
            return put(files, directory, name, body, modified);
        }
        directory = match files.tree.lookup(directory, name) {
            Ok(inner) => inner,
            Err(Error::NotFound) => {
                create(files, directory, name, Body::Directory(Default::default()), modified)?
            }
            Err(error) => return Err(error),
        };
    }
    // The root itself.
    if matches!(body, Body::File(_)) {
        return Err(Error::BadName);
    }
    files.tree.get_mut(ROOT)?.modified = modified;
    Ok(())
}

fn put<S: Store>(
    files: &mut Files<S>,
    directory: NodeId,
    name: &str,
    body: Body,
    modified: i64,
) -> Result<(), Error> {
    match files.tree.lookup(directory, name) {
        Ok(found) => {
            let node = files.tree.get_mut(found)?;
            match (&node.body, &body) {
                (Body::Directory(_), Body::Directory(_)) => {}
                (Body::Directory(inner), Body::File(_)) if !inner.is_empty() => return Err(Error::NotEmpty),
                // Nothing of a tree that is being filled has been written to, so nothing has to be given back.
                _ => node.body = body,
            }
            node.modified = modified;
            Ok(())
        }
        Err(Error::NotFound) => create(files, directory, name, body, modified).map(drop),
        Err(error) => Err(error),
    }
}

fn create<S: Store>(
    files: &mut Files<S>,
    directory: NodeId,
    name: &str,
    body: Body,
    modified: i64,
) -> Result<NodeId, Error> {
    let before = files.tree.get(directory)?.modified;
    let node = files.tree.create(directory, name, body, modified)?;
    // What is in the archive says when the directory was changed, not that it is being filled.
    files.tree.get_mut(directory)?.modified = before;
    Ok(node)
}
