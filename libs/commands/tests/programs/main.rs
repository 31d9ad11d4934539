//! The programs for files, as a person uses them at the shell: with the real kernel core, vm, shell, vfs and tarfs.

mod fat_disk;
mod person;

use std::time::Duration;

use person::{Person, system};

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn files_are_made_listed_and_removed() {
    system().run(|| {
        let mut person = Person::new();
        assert_eq!(person.does("ls"), "");
        person.does("mkdir -p a/b/c a/b");
        person.does("touch x .y");
        assert_eq!(person.does("ls"), ".y  a/  x\n");
        assert_eq!(person.does("ls > list"), "");
        assert_eq!(text("/tmp/list"), ".y\na/\nlist\nx\n");
        assert_eq!(person.does("ls a/b x /"), "x\n\na/b:\nc/\n\n/:\nmnt/  tmp/\n");
        let long = person.does("ls -l");
        assert!(long.starts_with("KIND       SIZE  MODIFIED"), "{long}");
        assert!(long.contains("directory     -") && long.contains("file         13"), "{long}");
        assert!(long.contains("a/\n"), "{long}");
        assert!(person.does("ls -l /mnt").contains("fixed/"));
        assert!(
            person.fails("ls nothing x").contains("ls: cannot examine /tmp/nothing: there is no such file")
        );
        assert!(person.fails("mkdir a").contains("mkdir: cannot make the directory /tmp/a: "));
        assert!(person.fails("mkdir no/way").contains("there is no such file or directory"));
        assert!(person.fails("rm a x").contains("rm: /tmp/a is a directory: use -r"));
        assert_eq!(person.does("ls"), ".y    a/    list\n", "x is removed nevertheless");
        assert!(person.fails("rm x").contains("rm: cannot remove /tmp/x: there is no such file"));
        person.does("rm -rf x a .y list");
        assert_eq!(person.does("ls"), "");
        assert!(person.fails("touch /mnt/fixed/x").contains("it is read-only"));
    });
}

#[test]
fn nothing_is_emptied_that_is_mounted() {
    system().run(|| {
        let mut person = Person::new();
        person.does("touch x /mnt/other/y");
        for path in ["/", "/mnt", "/mnt/other", "/tmp/../mnt/other/"] {
            let said = person.fails(&format!("rm -rf {path}"));
            assert!(said.contains(" is mounted at /") && said.contains(" stays, because"), "{said}");
        }
        assert!(fs::exists("/tmp/x").unwrap() && fs::exists("/mnt/other/y").unwrap());
    });
}

#[test]
fn a_directory_with_a_mount_in_it_is_not_moved() {
    system().run(|| {
        let mut person = Person::new();
        person.does("mkdir box box/in");
        fs::mount("none", "/tmp/box/in", "tarfs", false).unwrap();
        for line in ["mv box bag", "mv box/in bag", "mv box /mnt/other"] {
            assert!(person.fails(line).contains(" stays, because none is mounted at /tmp/box/in"), "{line}");
        }
        person.does("touch box/in/x");
        fs::unmount("/tmp/box/in", false).unwrap();
        person.does("mv box bag");
        assert_eq!(person.does("ls bag bag/in"), "bag:\nin/\n\nbag/in:\n");
    });
}

#[test]
fn a_path_that_was_forgotten_is_not_the_current_directory() {
    system().run(|| {
        let mut person = Person::new();
        person.does("mkdir d");
        person.does("cd d");
        person.does("touch x");
        for line in ["rm -r ''", "rm -rf x ''", "mv '' ../e", "cp -r '' ../e", "ls ''", "touch ''"] {
            assert!(person.fails(line).contains("a path is empty"), "{line}");
        }
        assert!(person.fails("hexdump ''").contains("'': there is no such file or directory"));
        for (line, path) in [("rm -r .", "/tmp/d"), ("rm -r ../d/./", "/tmp/d"), ("rm -r x ..", "/tmp")] {
            assert!(person.fails(line).contains(&format!("{path} is not removed")), "{line}");
        }
        for result in
            [fs::remove_dir_all(""), fs::create_dir_all(""), fs::rename("", "/tmp/e"), fs::unmount("", true)]
        {
            assert_eq!(result.unwrap_err().kind, ipc::Error::NotFound);
        }
        assert_eq!(person.does("ls /tmp /tmp/d"), "/tmp:\nd/\n\n/tmp/d:\n", "x was named");
        person.does("rm -r ../d");
        assert!(person.fails("ls").contains("/tmp/d: there is no such file or directory"));
        person.does("cd ..");
    });
}

#[test]
fn bytes_are_shown_and_passed_on_as_they_are() {
    system().run(|| {
        let mut person = Person::new();
        let bytes: Vec<u8> = (0..100_000u32).map(|number| (number.wrapping_mul(number) >> 3) as u8).collect();
        fs::write("/tmp/bytes", &bytes).unwrap();
        fs::write("/tmp/text", "two\nlines\n").unwrap();
        assert_eq!(person.does("cat text text"), "two\nlines\ntwo\nlines\n");
        person.does("cat bytes text bytes > all");
        assert!(fs::read("/tmp/all").unwrap() == [&bytes[..], b"two\nlines\n", &bytes[..]].concat());
        person.does("cat < bytes > again");
        assert!(fs::read("/tmp/again").unwrap() == bytes);
        let said = person.fails("cat nothing text .");
        assert!(said.contains("cat: cannot open /tmp/nothing: ") && said.contains("two\nlines\n"), "{said}");
        let row = "00000004  6c 69 6e 65 73 0a                                 |lines.|\n";
        assert_eq!(person.does("hexdump -s 4 text"), format!("{row}0000000a\n"));
        assert_eq!(person.does("hexdump -s 0x4 -n 6 < text"), format!("{row}0000000a\n"));
        assert!(person.does("hexdump bytes").ends_with("000186a0\n"));
        assert!(person.does("hexdump -n 4097 bytes").ends_with("\n00001001\n"));
        assert_eq!(person.does("hexdump -s 100 text"), "");
        assert!(person.fails("hexdump").contains("FILE is missing; usage: hexdump"));
        assert!(person.fails("hexdump -n x text").contains("`x` is not a number of bytes"));
        person.starts("cat > typed");
        // What is typed before it reads is the shell's; virtual time, in which it gets to that for sure.
        resea::sleep(Duration::from_millis(100));
        sim::type_text("typed by hand\r\x04");
        assert_eq!(person.finishes().1, 0);
        assert_eq!(text("/tmp/typed"), "typed by hand\n");
    });
}

#[test]
fn copies_are_the_same() {
    system().run(|| {
        let mut person = Person::new();
        let bytes: Vec<u8> = (0..200_000u32).map(|number| (number.wrapping_mul(number) >> 5) as u8).collect();
        fs::create_dir_all("/tmp/tree/sub/empty").unwrap();
        fs::write("/tmp/tree/sub/bytes", &bytes).unwrap();
        fs::write("/tmp/tree/text", "text").unwrap();
        fs::write("/tmp/old", vec![1; 300_000]).unwrap();
        person.does("cp tree/sub/bytes old");
        assert!(fs::read("/tmp/old").unwrap() == bytes, "a longer file is cut");
        person.does("cp -r tree /mnt/other");
        person.does("cp -r tree /mnt/other/second");
        person.does("cp old tree/text /mnt/other/second/sub/empty");
        for path in ["tree/sub/bytes", "second/sub/bytes", "second/sub/empty/old"] {
            assert!(fs::read(format!("/mnt/other/{path}")).unwrap() == bytes, "{path}");
        }
        assert_eq!(text("/mnt/other/second/text") + &text("/mnt/other/second/sub/empty/text"), "texttext");
        assert!(fs::metadata("/mnt/other/tree/sub/empty").unwrap().is_dir());
        for (command, told) in [
            ("cp tree x", "/tmp/tree is a directory: use -r"),
            ("cp -r tree tree/sub", "/tmp/tree cannot be copied into itself, to /tmp/tree/sub/tree"),
            ("cp old ./old", "/tmp/old cannot be copied to itself"),
            ("cp old tree old", "/tmp/old is not a directory"),
            ("cp old new/", "/tmp/new is not a directory"),
            ("cp nothing x", "cannot examine /tmp/nothing: there is no such file"),
            ("cp old no/way", "cannot open /tmp/no/way: "),
            ("cp old /mnt/fixed", "read-only"),
            ("cp old", "TO is missing; usage: cp"),
            ("cp", "FROM is missing; usage: cp"),
            ("cp -x old new", "there is no option `-x`"),
        ] {
            let said = person.fails(command);
            assert!(said.contains(told), "{command}: {said}");
        }
        assert!(fs::read("/tmp/old").unwrap() == bytes && !fs::exists("/tmp/x").unwrap());
    });
}

#[test]
fn things_are_moved_also_to_other_file_systems() {
    system().run(|| {
        let mut person = Person::new();
        fs::create_dir_all("/tmp/tree/sub").unwrap();
        fs::write("/tmp/tree/sub/text", "text").unwrap();
        fs::write("/tmp/a", "a").unwrap();
        fs::write("/tmp/b", "b").unwrap();
        fs::set_modified("/tmp/a", Some(1_000_000_000_000)).unwrap();
        person.does("mv a b");
        assert_eq!((text("/tmp/b"), fs::exists("/tmp/a").unwrap()), ("a".into(), false));
        person.does("mv b tree /mnt/other");
        assert_eq!(person.does("ls . /mnt/other"), ".:\n\n/mnt/other:\nb      tree/\n");
        assert_eq!(text("/mnt/other/tree/sub/text"), "text");
        assert_eq!(fs::metadata("/mnt/other/b").unwrap().modified(), Some(1_000_000_000_000));
        person.does("mv /mnt/other/tree/ renamed");
        person.does("mv renamed/sub/text renamed");
        assert_eq!(person.does("ls renamed /mnt/other"), "renamed:\nsub/  text\n\n/mnt/other:\nb\n");
        assert!(person.fails("mv renamed renamed/sub").contains("a directory cannot be moved into itself"));
        assert!(!person.fails("mv nothing /mnt/other").contains("still there"));
        fs::create_dir_all("/mnt/other/renamed").unwrap();
        fs::write("/mnt/other/renamed/text", "other").unwrap();
        for line in ["mv renamed /mnt/other", "mv renamed /mnt/other/b"] {
            let said = person.fails(line);
            assert!(said.contains("there is something with this name") || said.contains("already"), "{said}");
        }
        assert_eq!(
            text("/mnt/other/renamed/text") + &text("/tmp/renamed/text"),
            "othertext",
            "nothing was mixed"
        );
        person.does("rm -r /mnt/other/renamed");
        let said = person.fails("mv renamed /mnt/fixed");
        assert!(said.contains("read-only") && said.contains("/tmp/renamed is still there"), "{said}");
        assert_eq!(text("/tmp/renamed/text"), "text");
    });
}

#[test]
fn df_tells_what_is_mounted() {
    system().run(|| {
        let mut person = Person::new();
        let table = person.does("df");
        let points: Vec<_> = table.lines().skip(1).map(|row| row.split_whitespace().collect()).collect();
        let points: Vec<Vec<&str>> = points;
        assert_eq!(points.len(), 3, "{table}");
        assert!(table.contains("  /tmp") && table.contains("  /mnt/fixed (read-only)"), "{table}");
        assert_eq!(person.does("df . /mnt/other/x").lines().count(), 3);
        assert!(person.fails("df /").contains("/ is in no file system that is mounted"));
    });
}

#[test]
fn a_file_is_edited() {
    system().run(|| {
        let mut person = Person::new();
        fs::write("/tmp/text", "one\r\ntwo\r\n").unwrap();
        person.starts("edit text");
        person.wait_for("line 1 of 3");
        sim::type_text("\x1b[30;100R\x1b[F, and\x1b[Bmore");
        person.wait_for("(modified)");
        sim::type_text("\x13");
        person.wait_for("saved 19 bytes");
        assert_eq!(text("/tmp/text"), "one, and\r\ntwomore\r\n");
        sim::type_text("\x1a\x1a\x11y");
        assert_eq!(person.finishes().1, 0);
        assert_eq!(text("/tmp/text"), "one\r\ntwo\r\n".replace("one", "one, "));
        assert_eq!(person.does("ls"), "text\n", "nothing is left over");
        person.starts("edit new");
        person.wait_for("a new file");
        sim::type_text("x\r\x13\x11");
        assert_eq!(person.finishes().1, 0);
        assert_eq!(text("/tmp/new"), "x\n");
    });
}

#[test]
fn what_cannot_be_edited_is_refused() {
    system().run(|| {
        let mut person = Person::new();
        fs::write("/tmp/bytes", [0xff, 0xfe]).unwrap();
        fs::write("/tmp/large", vec![b'x'; (1 << 20) + 1]).unwrap();
        for (command, told) in [
            ("edit", "FILE is missing; usage: edit FILE"),
            ("edit a b", "`b` is one argument too many"),
            ("edit .", "/tmp is a directory"),
            ("edit bytes", "/tmp/bytes is not text in UTF-8: `hexdump`"),
            ("edit large", "/tmp/large has 1048577 bytes, which is too much"),
            ("edit no/way", "/tmp/no/way cannot be made: cannot open /tmp/no: there is no such file"),
        ] {
            let said = person.fails(command);
            assert!(said.contains(told), "{command}: {said}");
        }
        person.starts("edit /mnt/fixed/new");
        person.wait_for("read-only: what is changed here cannot be saved");
        sim::type_text("x\x13");
        person.wait_for("(modified)");
        person.wait_for("not saved: cannot open /mnt/fixed/edit-1.tmp: it is read-only");
        sim::type_text("\x11n");
        assert_eq!(person.finishes().1, 0);
    });
}
