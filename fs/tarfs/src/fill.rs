//! Fills a tree with what an archive or the boot image has. The content stays where it is.

use crate::Files;
use crate::archive::{Bytes, Kind, Reader};
use crate::content::Content;
use crate::store::{Origin, Store};
use crate::tree::{Body, NodeId, ROOT};
use alloc::string::String;
use interfaces::fs::NAME_MAX;
use ipc::Error;

/// What of an archive is not in the tree: links, devices, and paths that are not possible here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LeftOut {
    /// How many.
    pub count: usize,
    /// The first one's path.
    pub first: String,
}

/// Puts all that an archive has into an empty tree. Where a path is there twice, the last one counts. `part` is the archive's in
/// the tree's store.
///
/// Errors: those of the reader, and `OutOfMemory` (it has too many names for this tree).
pub fn fill<S: Store>(files: &mut Files<S>, part: u32, bytes: &mut dyn Bytes) -> Result<LeftOut, Error> {
    let mut left_out = LeftOut::default();
    let mut reader = Reader::new(bytes);
    while let Some(member) = reader.next_member()? {
        let body = match member.kind {
            Kind::File => Some(Body::File(Content::of(Origin { part, at: member.at, length: member.size }))),
            Kind::Directory => Some(Body::Directory(Default::default())),
            Kind::Other => None,
        };
        let added = match body {
            Some(body) => add(files, &member.path, body, member.modified),
            None => Err(Error::NotSupported),
        };
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

/// Puts a file or directory at a path, with the directories that it is in.
///
/// Errors: `BadName`, `NotADirectory` (a file is in the way), `AlreadyExists` (so is a directory), `NoSpace`.
pub fn add<S: Store>(files: &mut Files<S>, path: &str, body: Body, modified: i64) -> Result<(), Error> {
    let mut names = path.split('/').filter(|name| !name.is_empty() && *name != ".").peekable();
    let mut directory = ROOT;
    while let Some(name) = names.next() {
        if name == ".." || name.len() > NAME_MAX || name.contains('\0') {
            return Err(Error::BadName);
        }
        if names.peek().is_none() {
            return put(files, directory, name, body, modified);
        }
        directory = match files.tree.lookup(directory, name) {
            Ok(inner) => inner,
            Err(Error::NotFound) => {
                let inner = Body::Directory(Default::default());
                files.tree.create(directory, name, inner, modified)?
            }
            Err(error) => return Err(error),
        };
    }
    // The root itself.
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
    let before = files.tree.get(directory)?.modified;
    match files.tree.lookup(directory, name) {
        Ok(found) => {
            let node = files.tree.get_mut(found)?;
            match (&node.body, &body) {
                (Body::Directory(_), Body::Directory(_)) => {}
                // Nothing of a tree that is being filled has been written to.
                (Body::File(_), Body::File(_)) => node.body = body,
                (Body::File(_), _) => return Err(Error::NotADirectory),
                _ => return Err(Error::AlreadyExists),
            }
            node.modified = modified;
        }
        Err(Error::NotFound) => {
            files.tree.create(directory, name, body, modified)?;
        }
        Err(error) => return Err(error),
    }
    // What is in the archive says when the directory was changed, not that it is being filled.
    files.tree.get_mut(directory)?.modified = before;
    Ok(())
}
