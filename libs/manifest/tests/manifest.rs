//! Manifests from text to the compact form and back, and what each mistake in one says.

use std::path::Path;

use manifest::host::Source;
use manifest::{Class, DeviceId, Error, MAX_ENCODED, Manifest, Power, Range, Restart, Start};
use proptest::collection::vec;
use proptest::prelude::*;

fn parse(keys: &str) -> Result<Source, String> {
    let text =
        format!("[package]\nname = \"x\"\ndescription = \"A thing\"\n[package.metadata.resea]\n{keys}\n");
    match Source::from_cargo_toml(Path::new("x/Cargo.toml"), &text) {
        Ok(source) => Ok(source.expect("there is a manifest")),
        Err(error) => Err(error.to_string()),
    }
}

fn message(keys: &str) -> String {
    parse(keys).expect_err("it was accepted")
}

#[test]
fn a_package_without_the_table_is_no_program() {
    let source = Source::from_cargo_toml(Path::new("Cargo.toml"), "[package]\nname = \"x\"\n");
    assert_eq!(source, Ok(None));
    assert_eq!(Source::from_cargo_toml(Path::new("Cargo.toml"), "[workspace]\n"), Ok(None));
}

#[test]
fn an_empty_table_means_the_defaults() {
    let source = parse("").expect("it is valid");
    assert_eq!(source.manifest(), Manifest { description: "A thing", ..Manifest::default() });
}

#[test]
fn every_key_arrives() {
    let source = parse(
        r#"
        description = "Talks"
        provides = ["console"]
        uses = ["fs", "net"]
        powers = ["create", "kill"]
        irqs = [4]
        ports = ["0x3f8-0x3ff", "0x64"]
        mmio = ["0xfee00000-0xfee00fff"]
        stack = "32KiB"
        heap = "1MiB"
        shared = "2MiB"
        priority = 31
        start = "boot"
        restart = "always"
        "#,
    )
    .expect("it is valid");
    let encoded = source.encode();
    let manifest = Manifest::decode(&encoded).expect("it is what was encoded");
    assert_eq!(manifest, source.manifest());
    assert_eq!(manifest.description, "Talks");
    assert_eq!(manifest.provides, ["console"]);
    assert_eq!(manifest.uses, ["fs", "net"]);
    assert!(manifest.has(Power::Create) && manifest.has(Power::Kill) && !manifest.has(Power::Map));
    assert_eq!(manifest.irqs, [4]);
    assert_eq!(manifest.ports, [Range { start: 0x3f8, end: 0x400 }, Range { start: 0x64, end: 0x65 }]);
    assert_eq!(manifest.mmio, [Range { start: 0xfee0_0000, end: 0xfee0_1000 }]);
    assert_eq!((manifest.stack, manifest.heap, manifest.priority), (32 << 10, 1 << 20, 31));
    assert_eq!(manifest.shared, 2 << 20);
    assert_eq!((manifest.start, manifest.restart), (Start::Boot, Restart::Always));
}

#[test]
fn the_keys_of_drivers_arrive() {
    let source = parse(
        r#"
        uses = ["dm"]
        devices = ["pci:1af4:1000", "pci:8086:100E"]
        class = "network"
        dma = "1MiB"
        "#,
    )
    .expect("it is valid");
    let encoded = source.encode();
    let manifest = Manifest::decode(&encoded).expect("it is what was encoded");
    assert_eq!(manifest, source.manifest());
    let ids = [(0x1af4, 0x1000), (0x8086, 0x100e)].map(|(vendor, device)| DeviceId::Pci { vendor, device });
    assert_eq!(manifest.devices, ids);
    assert_eq!(ids[1].to_string(), "pci:8086:100e");
    assert_eq!((manifest.class, manifest.dma), (Class::Network, 1 << 20));
}

#[test]
fn mistakes_in_drivers_name_the_remedy() {
    for wrong in
        ["pci:1af4", "1af4:1000", "pci:1af4:100", "pci:+af4:1000", "pci:1af4:1000:1", "pci:1af4:10000"]
    {
        assert_eq!(
            message(&format!("uses = [\"dm\"]\ndevices = [{wrong:?}]")),
            format!(
                "x/Cargo.toml:6: {wrong:?} in `devices` is not a device: write its vendor and device IDs, four \
                 hexadecimal digits each, as \"pci:1af4:1000\""
            )
        );
    }
    let driver = |keys: &str| message(&format!("uses = [\"dm\"]\ndevices = [\"pci:1af4:1000\"]\n{keys}"));
    assert_eq!(
        driver("start = \"boot\"\nrestart = \"always\"\nirqs = [4]"),
        "x/Cargo.toml:7: `start` is \"boot\", but the device manager starts a program with `devices`: remove it\n\
         x/Cargo.toml:8: `restart` is \"always\", but the device manager starts a program with `devices` again: remove it\n\
         x/Cargo.toml:9: a program with `devices` gets the rights to its device from the device manager: remove `irqs`"
    );
    assert_eq!(
        message("devices = [\"pci:1af4:1000\"]"),
        "x/Cargo.toml:5: a program with `devices` asks the device manager for them: add \"dm\" to `uses`"
    );
    assert_eq!(
        driver("dma = \"2MiB\""),
        "x/Cargo.toml:7: `dma` is 2048KiB, but `shared` allows only 1024KiB, of which it is a part: raise `shared`"
    );
    assert!(driver("dma = \"17MiB\"\nshared = \"32MiB\"").ends_with("a multiple of 4KiB, at most 16384KiB"));
    assert!(driver("class = \"disk\"").contains("unknown variant `disk`"));
    assert_eq!(
        message("dma = \"4KiB\"\nclass = \"other\""),
        "x/Cargo.toml:5: `dma` is for drivers: add `devices`, or remove it\n\
         x/Cargo.toml:6: `class` is for drivers: add `devices`, or remove it"
    );
}

#[test]
fn mistakes_name_file_line_key_and_remedy() {
    assert_eq!(message("priority = 32"), "x/Cargo.toml:5: `priority` is 32, but must be 0 to 31");
    assert_eq!(
        message("\nstack = \"5KiB\""),
        "x/Cargo.toml:6: `stack` is \"5KiB\", but must be a size like \"64KiB\" or \"1MiB\": a multiple of 4KiB, at most 1024KiB"
    );
    assert!(message("heap = \"many\"").starts_with("x/Cargo.toml:5: `heap` is \"many\", but must be a size"));
    assert_eq!(
        message("ports = [\"0x3ff-0x3f8\"]"),
        "x/Cargo.toml:5: \"0x3ff-0x3f8\" in `ports` is not a range: write the first and the last number, both below 0x10000, as \"0x3f8-0x3ff\""
    );
    assert!(message("shared = \"2GiB\"").ends_with("a multiple of 4KiB, at most 1048576KiB"));
    assert!(message("ports = [\"0x10000\"]").contains("is not a range"));
    assert_eq!(
        message("irqs = [1, 2, 3, 4, 5]"),
        "x/Cargo.toml:5: `irqs` has more than 4 members: at most 4 fit"
    );
    assert_eq!(message("irqs = [1, 1]"), "x/Cargo.toml:5: `irqs` has the same member twice: remove one");
    assert_eq!(
        message("uses = [\"a b\"]"),
        "x/Cargo.toml:5: \"a b\" cannot be the name of a service: use 1 to 32 of the characters a-z, 0-9 and _"
    );
    assert_eq!(message("uses = [\"vm\"]"), "x/Cargo.toml:5: every program may talk to vm: leave it out");
    assert!(message("description = \"a\\nb\"").contains("must be one line"));
}

#[test]
fn unknown_keys_and_values_are_errors_that_list_the_known_ones() {
    let unknown_key = message("prioritiy = 3");
    assert!(
        unknown_key.starts_with("x/Cargo.toml:5: unknown field `prioritiy`, expected one of")
            && unknown_key.ends_with("; did you mean `priority`?"),
        "{unknown_key}"
    );
    let unknown_power = message("powers = [\"fly\"]");
    assert!(
        unknown_power.starts_with("x/Cargo.toml:5: there is no power \"fly\": the powers are create, map"),
        "{unknown_power}"
    );
    assert_eq!(
        message("powers = [\"lunch\"]"),
        "x/Cargo.toml:5: there is no power \"lunch\": did you mean \"launch\"?"
    );
    assert!(message("start = \"later\"").contains("unknown variant `later`"));
    assert!(message("irqs = 4").starts_with("x/Cargo.toml:5: "));
    assert!(message("priority = \"high\"").starts_with("x/Cargo.toml:5: "));
    assert!(message("priority =").starts_with("x/Cargo.toml:5: "));
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    assert_eq!(
        message("priority = 99\nuses = [\"vm\", \"ok\"]\nirqs = [3, 3]"),
        "x/Cargo.toml:5: `priority` is 99, but must be 0 to 31\n\
         x/Cargo.toml:6: every program may talk to vm: leave it out\n\
         x/Cargo.toml:7: `irqs` has the same member twice: remove one"
    );
}

#[test]
fn the_places_of_keys_are_known() {
    let source = parse("uses = [\n\"a\",\n\"b\"]\nstack = \"32KiB\"").expect("it is valid");
    assert_eq!((source.line(), source.line_of("uses", 0), source.line_of("uses", 1)), (4, Some(6), Some(7)));
    assert_eq!((source.line_of("stack", 0), source.line_of("heap", 0)), (Some(8), None));
    assert_eq!(source.keys().collect::<Vec<_>>(), ["stack", "uses"]);
}

#[test]
fn the_largest_manifest_fits() {
    let ids = (0xfff8..=0xffff).map(|id| format!("\"pci:{id:x}:{id:x}\"")).collect::<Vec<_>>().join(", ");
    let name = |index: usize| format!("{index:02}{}", "x".repeat(30));
    let names = |count| (0..count).map(name).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let keys = format!(
        "description = \"{}\"\nprovides = [{}]\nuses = [\"dm\", {}]\n\
         powers = [\"create\", \"map\", \"console\", \"inspect\", \"power\", \"launch\", \"kill\", \"devices\"]\n\
         stack = \"1MiB\"\nheap = \"4GiB\"\nshared = \"1GiB\"\n",
        "d".repeat(120),
        names(4),
        names(15),
    );
    let rights = "irqs = [4294967295, 4294967294, 4294967293, 4294967292]\n\
         ports = [\"65532\", \"65533\", \"65534\", \"65535\"]\n\
         mmio = [\"0xffffffffffffc\", \"0xffffffffffffd\", \"0xffffffffffffe\", \"0xfffffffffffff\"]";
    let driver = format!("devices = [{ids}]\nclass = \"network\"\ndma = \"16MiB\"");
    for rest in [rights, &driver] {
        let source = parse(&format!("{keys}{rest}")).expect("it is valid");
        let encoded = source.encode();
        assert!(!encoded.is_empty() && encoded.len() <= MAX_ENCODED, "{} bytes", encoded.len());
        assert_eq!(Manifest::decode(&encoded), Ok(source.manifest()));
    }
}

#[test]
fn bytes_after_a_manifest_are_damage() {
    let mut encoded = parse("").expect("it is valid").encode();
    encoded.push(0);
    assert_eq!(Manifest::decode(&encoded), Err(Error::Damaged));
    assert_eq!(Manifest::decode(&[]), Err(Error::Damaged));
}

#[test]
fn no_room_is_an_error() {
    assert_eq!(Manifest::default().encode(&mut [0; 3]), Err(Error::NoRoom));
}

proptest! {
    #[test]
    fn damage_never_panics(flips in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = parse("uses = [\"fs\"]\npowers = [\"map\"]\nports = [\"1-2\"]").expect("it is valid").encode();
        for (index, value) in flips {
            *index.get_mut(&mut bytes) = value;
        }
        let _ = Manifest::decode(&bytes);
    }

    #[test]
    fn noise_never_panics(bytes in vec(any::<u8>(), 0..300)) {
        let _ = Manifest::decode(&bytes);
    }
}
