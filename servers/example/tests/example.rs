//! The store as its clients see it.

use interfaces::example::{Client, ENTRIES_MAX, KEY_MAX, VALUE_MAX};
use ipc::Error;

/// Runs `body` with a client of a new store.
fn with_store(body: impl FnOnce(Client)) {
    let kernel = ipc::host::Loopback::new();
    let server = std::rc::Rc::new(std::cell::RefCell::new(example::Example::default()));
    kernel.serve(ipc::host::first_task(), server, interfaces::example::dispatch);
    let _installed = ipc::host::install(kernel);
    body(Client::new(ipc::host::first_task()));
}

#[test]
fn a_value_is_found_again_until_it_is_deleted() {
    with_store(|store| {
        let mut buffer = [0; VALUE_MAX];
        assert_eq!(store.get("colour", &mut buffer), Err(Error::NotFound));
        assert_eq!(store.put("colour", b"blue"), Ok(()));
        assert_eq!(store.put("colour", b"red"), Ok(()), "in place of the one before");
        assert_eq!(store.count(), Ok(1));
        assert_eq!(store.get("colour", &mut buffer), Ok(3));
        assert_eq!(&buffer[..3], b"red");
        assert_eq!(store.delete("colour"), Ok(()));
        assert_eq!(store.delete("colour"), Err(Error::NotFound));
        assert_eq!(store.count(), Ok(0));
    });
}

#[test]
fn a_full_store_takes_no_new_key() {
    with_store(|store| {
        for number in 0..ENTRIES_MAX {
            assert_eq!(store.put(&number.to_string(), &[1; VALUE_MAX]), Ok(()));
        }
        assert_eq!(store.put("one more", b""), Err(Error::TableFull));
        assert_eq!(store.put("0", b"other"), Ok(()), "a key that is there has its place");
        assert_eq!(store.delete("0"), Ok(()));
        assert_eq!(store.put("one more", b""), Ok(()));
    });
}

#[test]
fn what_is_too_large_is_refused_and_changes_nothing() {
    with_store(|store| {
        let (key, value) = ("k".repeat(KEY_MAX), [7; VALUE_MAX]);
        assert_eq!(store.put(&key, &value), Ok(()), "the limits themselves are allowed");
        assert_eq!(store.put(&(key.clone() + "k"), b""), Err(Error::TooLarge));
        assert_eq!(store.put(&key, &[0; VALUE_MAX + 1]), Err(Error::TooLarge));
        assert_eq!(store.put("a\0b", b""), Err(Error::BadText));
        assert_eq!(store.get(&key, &mut [0; VALUE_MAX - 1]), Err(Error::TooLarge));
        let mut buffer = [0; VALUE_MAX];
        assert_eq!(store.get(&key, &mut buffer), Ok(VALUE_MAX));
        assert_eq!((store.count(), buffer), (Ok(1), value));
    });
}
