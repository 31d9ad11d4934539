//! The store as its clients see it: on the host, with the real kernel core and the real vm.

use interfaces::example::{Client, ENTRIES_MAX, KEY_MAX, VALUE_MAX};
use resea::Error;
use sim::System;

/// A system with the server. What it runs is a task that may use all services.
fn system() -> System {
    System::new().program(sim::program!(example::run))
}

/// A client of the store, which the first one starts.
fn store() -> Client {
    Client::new(resea::lookup("example").unwrap())
}

#[test]
fn a_value_is_found_again_until_it_is_deleted() {
    system().run(|| {
        let (store, mut buffer) = (store(), [0; VALUE_MAX]);
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
    system().run(|| {
        let store = store();
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
    system().run(|| {
        let (store, key, value) = (store(), "k".repeat(KEY_MAX), [7; VALUE_MAX]);
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

/// Wherever the server is killed, its client gets an error, and finds an empty store when it looks again.
#[test]
fn a_killed_server_comes_back() {
    let put_and_count = || {
        let store = Client::new(resea::lookup("example").map_err(|failed| failed.error)?);
        store.put("colour", b"blue")?;
        store.count()
    };
    system().killable(["example"]).explore(10_000, move || match put_and_count() {
        Ok(1) => {}
        answer => {
            assert!(sim::was_killed(), "{answer:?} without a reason");
            assert_eq!(put_and_count(), Ok(1));
        }
    });
}

// Random messages, good and bad, of the interfaces that it provides.
sim::messages!(example::run);
