//! Writes a server and a client of every interface in `interfaces/`, which do with it whatever the input says: so a new
//! interface is fuzzed without a line of code. See `src/messages.rs`, which includes what is written here.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use idl::model::{Field, Interfaces, Message, MessageKind, Namespace, Scalar, Type};
use idl::names::{identifier, pascal};

fn main() -> ExitCode {
    let root = Path::new("../../interfaces/all.idl");
    let compilation = idl::compile(root, &idl::Disk);
    for path in compilation.sources.paths() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let (Some(out), Ok(interfaces)) = (std::env::var_os("OUT_DIR"), &compilation.result) else {
        eprintln!("{}", compilation.errors(false));
        return ExitCode::FAILURE;
    };
    let output = PathBuf::from(out).join("messages.rs");
    match std::fs::write(&output, generate(interfaces)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot write `{}`: {error}; check that the disk has room", output.display());
            ExitCode::FAILURE
        }
    }
}

fn generate(interfaces: &Interfaces) -> String {
    let mut code = String::new();
    for namespace in &interfaces.namespaces {
        implementation(&mut code, namespace, "Server", namespace.to_server().collect());
        implementation(&mut code, namespace, "Receiver", namespace.from_server().collect());
        for scalar in &namespace.enums {
            let name = format!("interfaces::{}::{}", identifier(&namespace.name), pascal(&scalar.name));
            let members: Vec<_> =
                scalar.members.iter().map(|member| format!("{name}::{}", pascal(&member.name))).collect();
            let _ = writeln!(
                code,
                "impl Value for {name} {{ fn from_input(input: &Input) -> Self {{ \
                 const ALL: [{name}; {}] = [{}]; ALL[input.byte() as usize % ALL.len()] }} }}",
                members.len(),
                members.join(", ")
            );
        }
    }
    let every =
        || interfaces.namespaces.iter().flat_map(|space| space.messages.iter().map(move |one| (space, one)));
    let _ = writeln!(code, "const MESSAGES: [Expected; {}] = [", every().count());
    for (namespace, message) in every() {
        code.push_str(&expected(namespace, message));
    }
    code.push_str(
        "];\nfn call(message: usize, to: ipc::TaskId, input: &Input, log: &Log) {\nmatch message {\n",
    );
    for (number, (namespace, message)) in every().enumerate() {
        let _ = writeln!(code, "{number} => {{\n{}}}", client(namespace, message));
    }
    code.push_str("_ => {}\n}\n}\n");
    code
}

/// The row of a message in the table of what a dispatcher must accept.
fn expected(namespace: &Namespace, message: &Message) -> String {
    let writable =
        message.lends().enumerate().fold(0, |mask, (lend, (_, writable))| mask | u32::from(writable) << lend);
    let module = identifier(&namespace.name);
    let dispatch = match message.kind {
        MessageKind::AsyncOneway => format!("interfaces::{module}::receive::<Server>"),
        _ => format!("interfaces::{module}::dispatch::<Server>"),
    };
    format!(
        "Expected {{ name: \"{}.{}\", number: {}, words: {}, lends: {}, writable: {writable}, reply: {:?}, dispatch: {dispatch} }},\n",
        namespace.name,
        message.name,
        message.number,
        message.request.words(),
        message.lends().count(),
        (message.kind == MessageKind::Rpc).then_some(message.reply.words()),
    )
}

/// The trait, implemented by the server that does anything.
fn implementation(code: &mut String, namespace: &Namespace, name: &str, messages: Vec<&Message>) {
    if messages.is_empty() {
        return;
    }
    let module = identifier(&namespace.name);
    let _ = writeln!(code, "impl interfaces::{module}::{name} for Server {{");
    for message in messages {
        let method = identifier(&message.name);
        let title = format!("{}.{}", namespace.name, message.name);
        if message.kind == MessageKind::DeferredRpc {
            let call = format!("interfaces::{module}::{}Call", pascal(&message.name));
            let seen = message.arguments.iter().map(|field| seen(field, &format!("call.{}", access(field))));
            let room = buffers(message).map(|field| format!("call.{}().len()", identifier(&field.name)));
            let _ = writeln!(
                code,
                "fn {method}(&mut self, call: {call}) {{\nself.log.received(\"{title}\", &({}));\n\
                 match self.log.decide(&self.input) {{\nDecision::Fail(error) => {{ self.log.answered(&Err::<(), _>(error)); call.fail(error) }}\n\
                 Decision::Drop => {{ self.log.answered(&Err::<(), _>(ipc::Error::Aborted)); drop(call) }}\n\
                 Decision::Answer => {{\n{}call.reply({});\n}}\n}}\n}}",
                tuple(seen.chain(room)),
                answer(namespace, message, "call.", "()"),
                (0..message.replies.len()).map(|at| format!("r{at}")).collect::<Vec<_>>().join(", "),
            );
            continue;
        }
        let arguments = message.arguments.iter().enumerate();
        let parameters = arguments.map(|(at, field)| format!("a{at}: {}", argument(namespace, field)));
        let parameters =
            parameters.chain(buffers(message).map(|field| format!("_{}: ipc::WriteLend<'_>", field.name)));
        let seen = message.arguments.iter().enumerate().map(|(at, field)| seen(field, &format!("a{at}")));
        let room = buffers(message).map(|field| format!("_{}.len()", field.name));
        let _ = write!(
            code,
            "fn {method}(&mut self, _sender: ipc::TaskId, {}) ",
            parameters.collect::<Vec<_>>().join(", ")
        );
        let received = format!("self.log.received(\"{title}\", &({}));", tuple(seen.chain(room)));
        if message.kind != MessageKind::Rpc {
            let _ = writeln!(code, "{{ {received} }}");
            continue;
        }
        let fields = message
            .replies
            .iter()
            .enumerate()
            .map(|(at, field)| format!("{}: r{at}", identifier(&field.name)));
        let (result, value) = match message.replies.as_slice() {
            [] => ("()".into(), "()".into()),
            [field] => (value_type(namespace, &field.ty), "r0".into()),
            _ => {
                let name = format!("interfaces::{module}::{}Reply", pascal(&message.name));
                (name.clone(), format!("{name} {{ {} }}", fields.collect::<Vec<_>>().join(", ")))
            }
        };
        let _ = writeln!(
            code,
            "-> Result<{result}, ipc::Error> {{\n{received}\n\
             if let Decision::Fail(error) = self.log.decide(&self.input) {{ self.log.answered(&Err::<(), _>(error)); return Err(error); }}\n\
             {}Ok({value})\n}}",
            answer(namespace, message, "_", &value),
        );
    }
    code.push_str("}\n");
}

/// The statements that make the values of a reply and note them.
fn answer(namespace: &Namespace, message: &Message, place: &str, value: &str) -> String {
    let mut code = String::new();
    for (at, field) in message.replies.iter().enumerate() {
        let lend = match place {
            "_" => format!("_{}", field.name),
            _ => format!("call.{}()", identifier(&field.name)),
        };
        let value = match field.ty.is_lent() {
            true => format!("self.fill(&{lend})"),
            false => format!("self.input.value::<{}>()", value_type(namespace, &field.ty)),
        };
        let _ = writeln!(code, "let r{at} = {value};");
    }
    let value = match (place, message.replies.len()) {
        ("_", _) => value.to_owned(),
        (_, 0) => "()".into(),
        (_, 1) => "r0".into(),
        _ => {
            let fields = message.replies.iter().enumerate();
            let fields: Vec<_> =
                fields.map(|(at, field)| format!("{}: r{at}", identifier(&field.name))).collect();
            let name = pascal(&message.name);
            format!("interfaces::{}::{name}Reply {{ {} }}", identifier(&namespace.name), fields.join(", "))
        }
    };
    let lent: Vec<_> = message.replies.iter().enumerate().filter(|(_, field)| field.ty.is_lent()).collect();
    for (at, field) in lent {
        let lend = if place == "_" {
            format!("_{}", field.name)
        } else {
            format!("call.{}()", identifier(&field.name))
        };
        let _ = writeln!(code, "let fits{at} = r{at} <= {lend}.len();");
    }
    let fits: Vec<_> = message
        .replies
        .iter()
        .enumerate()
        .filter(|(_, field)| field.ty.is_lent())
        .map(|(at, _)| format!("fits{at}"))
        .collect();
    let fits = if fits.is_empty() { "true".into() } else { fits.join(" && ") };
    let _ = writeln!(
        code,
        "self.log.answered(&if {fits} {{ Ok({value}) }} else {{ Err(ipc::Error::TooLarge) }});"
    );
    code
}

/// The arm that calls a message with arguments made of the input.
fn client(namespace: &Namespace, message: &Message) -> String {
    let module = identifier(&namespace.name);
    let method = identifier(&message.name);
    let mut code = String::new();
    let mut values = Vec::new();
    for (at, field) in message.arguments.iter().enumerate() {
        let (made, passed) = match field.ty {
            Type::Str => ("input.text(300)".into(), format!("&a{at}")),
            Type::Bytes => ("input.some(300)".into(), format!("&a{at}")),
            _ => (format!("input.value::<{}>()", value_type(namespace, &field.ty)), format!("a{at}")),
        };
        let _ = writeln!(code, "let a{at} = {made};");
        values.push(passed);
    }
    for (at, _) in buffers(message).enumerate() {
        let _ = writeln!(code, "let mut b{at} = vec![0; input.below(300)];");
        values.push(format!("&mut b{at}"));
    }
    let sent = message.arguments.iter().enumerate().map(|(at, field)| match field.ty {
        Type::Str => format!("ipc::stub::checked_text(a{at}.as_bytes())"),
        Type::Bytes => format!("Ok::<_, ipc::Error>(&a{at})"),
        _ => format!("a{at}"),
    });
    let room = (0..buffers(message).count()).map(|at| format!("b{at}.len()"));
    let _ =
        writeln!(code, "log.sent(\"{}.{}\", &({}));", namespace.name, message.name, tuple(sent.chain(room)));
    if message.kind == MessageKind::AsyncOneway {
        let _ = writeln!(
            code,
            "let mut outbox = ipc::Outbox::new();\n\
             let queued = interfaces::{module}::{method}(&mut outbox, to, {});\nlog.queued(&mut outbox, to, queued);",
            values.join(", ")
        );
        return code;
    }
    let _ =
        writeln!(code, "let result = interfaces::{module}::Client::new(to).{method}({});", values.join(", "));
    let text = buffers(message).any(|field| field.ty == Type::Str);
    let oneway = message.kind == MessageKind::Oneway;
    let _ = match text || oneway {
        true => writeln!(code, "log.came_back(&result);"),
        false => writeln!(code, "log.came_back_same(&result);"),
    };
    code
}

fn buffers(message: &Message) -> impl Iterator<Item = &Field> {
    message.replies.iter().filter(|field| field.ty.is_lent())
}

/// What the server notes of an argument.
fn seen(field: &Field, value: &str) -> String {
    match field.ty {
        Type::Str => format!("self.lent_text(&{value})"),
        Type::Bytes => format!("self.lent_bytes(&{value})"),
        _ => value.into(),
    }
}

fn access(field: &Field) -> String {
    let name = identifier(&field.name);
    if field.ty.is_lent() { format!("{name}()") } else { name }
}

/// The elements of a tuple.
fn tuple(elements: impl Iterator<Item = String>) -> String {
    elements.map(|element| element + ", ").collect()
}

fn argument(namespace: &Namespace, field: &Field) -> String {
    match field.ty {
        Type::Str => "ipc::StrLend<'_>".into(),
        Type::Bytes => "ipc::ReadLend<'_>".into(),
        _ => value_type(namespace, &field.ty),
    }
}

fn value_type(namespace: &Namespace, ty: &Type) -> String {
    match ty {
        Type::Scalar(scalar) => scalar_type(namespace, scalar),
        Type::Array(scalar, length) => format!("[{}; {length}]", scalar_type(namespace, scalar)),
        Type::Str | Type::Bytes => "usize".into(),
    }
}

fn scalar_type(home: &Namespace, scalar: &Scalar) -> String {
    match scalar {
        Scalar::Builtin(builtin) => builtin.rust.into(),
        Scalar::Enum { namespace, name } => {
            let namespace = namespace.as_ref().unwrap_or(&home.name);
            format!("interfaces::{}::{}", identifier(namespace), pascal(name))
        }
    }
}
