//! Messages with one defect: a well-formed message that is spoiled, or one of another type.

use super::{Defect, Expected, Generated, Generator, info, is_handle, length_offset, scalars};
use crate::interfaces::put;
use abi::{Error, MAX_LENDS, MessageInfo, PAYLOAD_WORDS, TaskId, kind};
use idl::model::{Field, Message, MessageKind, Namespace, Scalar, Type};

/// Words of the kernel's messages about a task.
const KERNEL_WORDS: usize = 5;
/// A lend that ends behind the end of every address space.
const HUGE: usize = usize::MAX - 0xfff;

impl<'a> Generator<'a> {
    /// A message with one of the defects. (With none, well-formed, if all that are possible are left out.)
    pub fn malformed(&mut self, tasks: &[TaskId]) -> Generated {
        let defects = Defect::ALL.iter().copied().filter(|defect| !self.left_out.contains(defect));
        let mut defects: Vec<Defect> = defects.collect();
        self.random.shuffle(&mut defects);
        for defect in defects {
            if let Some(generated) = self.with_defect(defect, tasks) {
                return generated;
            }
        }
        match self.pick(|_| true) {
            Some((namespace, message)) => self.message(namespace, message, tasks),
            None => self.bare(0, 0),
        }
    }

    /// A message with this defect; `None` if no message of the interfaces can have it.
    pub fn with_defect(&mut self, defect: Defect, tasks: &[TaskId]) -> Option<Generated> {
        let generated = match self.of_another_type(defect, tasks) {
            Some(generated) => generated?,
            None => self.spoiled(defect, tasks)?,
        };
        Some(Generated { defect: Some(defect), ..generated })
    }

    /// A message whose type is the defect; `None` if the defect is another.
    fn of_another_type(&mut self, defect: Defect, tasks: &[TaskId]) -> Option<Option<Generated>> {
        let generated = match defect {
            Defect::UnknownNumber => {
                let number = self.unknown_number();
                let words = self.random.usize(0..=PAYLOAD_WORDS);
                Some(self.bare(number, words))
            }
            Defect::OtherInterface => self.of_other_interface(tasks),
            Defect::OwnAsynchronous => self.asynchronous(tasks),
            Defect::ForgedNotifications => Some(self.bare(kind::NOTIFICATIONS, 1)),
            Defect::ForgedFault => {
                let faults = [kind::PAGE_FAULT, kind::EXCEPTION, kind::QUANTUM, kind::ABI_HOOK];
                let number = self.random.choice(faults)?;
                Some(self.bare(number, KERNEL_WORDS))
            }
            Defect::ForgedExit => Some(self.bare(kind::EXIT, KERNEL_WORDS)),
            Defect::MisshapenKernel => {
                let number = self.random.u16(kind::NOTIFICATIONS..=kind::ASYNC_PULL);
                let words = self.random.usize(KERNEL_WORDS + 1..=PAYLOAD_WORDS);
                Some(self.bare(number, words))
            }
            Defect::UnaskedPull => Some(Generated { expected: None, ..self.bare(kind::ASYNC_PULL, 0) }),
            Defect::ErrorReply => self.error_reply(),
            _ => return None,
        };
        Some(generated)
    }

    /// A call of a type that the server does not know, without lends and with anything in the payload.
    fn bare(&mut self, number: u16, words: usize) -> Generated {
        let mut payload = [0; PAYLOAD_WORDS];
        payload.iter_mut().take(words).for_each(|word| *word = self.random.u64(..));
        Generated {
            info: MessageInfo::new(number, words),
            payload,
            lends: Vec::new(),
            defect: None,
            expected: Some(Expected::Error(Error::NotSupported)),
            is_call: true,
        }
    }

    fn unknown_number(&mut self) -> u16 {
        loop {
            let number = match self.random.u32(0..4) {
                0 => 0,
                1 => u16::MAX,
                2 => self.random.u16(kind::ASYNC_PULL + 1..kind::FIRST_INTERFACE),
                _ => self.random.u16(kind::FIRST_INTERFACE..),
            };
            if self.interfaces.message(number).is_none() {
                return number;
            }
        }
    }

    fn of_other_interface(&mut self, tasks: &[TaskId]) -> Option<Generated> {
        let served: Vec<&str> = self.served.iter().map(|namespace| namespace.name.as_str()).collect();
        let others = self.interfaces.namespaces().iter();
        let others = others.filter(|namespace| !served.contains(&namespace.name.as_str()));
        let messages =
            others.flat_map(|namespace| namespace.messages.iter().map(move |message| (namespace, message)));
        let messages: Vec<_> = messages.collect();
        let (namespace, message) = self.random.choice(messages)?;
        Some(self.unknown(namespace, message, tasks))
    }

    fn asynchronous(&mut self, tasks: &[TaskId]) -> Option<Generated> {
        let served = self.served.iter();
        let messages =
            served.flat_map(|namespace| namespace.from_server().map(move |message| (*namespace, message)));
        let messages: Vec<_> = messages.collect();
        let (namespace, message) = self.random.choice(messages)?;
        Some(self.unknown(namespace, message, tasks))
    }

    /// A call with a message that is well-formed, but not for the server.
    fn unknown(&mut self, namespace: &'a Namespace, message: &Message, tasks: &[TaskId]) -> Generated {
        let expected = Some(Expected::Error(Error::NotSupported));
        Generated { expected, is_call: true, ..self.message(namespace, message, tasks) }
    }

    /// Its code may be the number of a message: then the message is malformed, else unknown.
    fn error_reply(&mut self) -> Option<Generated> {
        let error = self.random.choice(Error::ALL.iter().copied())?;
        let info = MessageInfo::error(error);
        let mut served = self.served.iter().flat_map(|namespace| namespace.to_server());
        let message = served.find(|message| message.number == info.kind());
        let (expected, is_call) = match message.map(|message| message.kind) {
            Some(MessageKind::Oneway) => (Expected::Silence, false),
            Some(_) => (Expected::Error(Error::BadMessage), true),
            None => (Expected::Error(Error::NotSupported), true),
        };
        Some(Generated { info, expected: Some(expected), is_call, ..self.bare(0, 0) })
    }

    /// A message of the interfaces, spoiled; `None` if none can have the defect.
    fn spoiled(&mut self, defect: Defect, tasks: &[TaskId]) -> Option<Generated> {
        let (has_own, has_foreign) = (!self.own.is_empty(), !self.foreign.is_empty());
        let (namespace, message) = self.pick(|message| match defect {
            Defect::StaleHandle => has_own && applies(defect, message),
            Defect::ForeignHandle => has_foreign && applies(defect, message),
            _ => applies(defect, message),
        })?;
        let mut generated = self.message(namespace, message, tasks);
        let words = message.request.words();
        match defect {
            Defect::NotCalled => {
                generated.is_call = false;
                generated.expected = Some(Expected::Silence);
            }
            Defect::Truncated => self.resize(&mut generated, 0..words),
            Defect::Overlong => self.resize(&mut generated, words + 1..PAYLOAD_WORDS + 1),
            Defect::BadScalar => self.spoil_scalar(&mut generated, namespace, message),
            Defect::NeverIssuedHandle | Defect::StaleHandle | Defect::ForeignHandle => {
                self.spoil_handle(&mut generated, message, defect);
            }
            Defect::LendMissing | Defect::LendSurplus | Defect::LendDirection => {
                self.spoil_shape(&mut generated, message, defect);
            }
            Defect::TextWithNul | Defect::TextNotUtf8 => self.spoil_text(&mut generated, message, defect),
            _ => self.spoil_memory(&mut generated, message, defect),
        }
        Some(generated)
    }

    fn resize(&mut self, generated: &mut Generated, words: std::ops::Range<usize>) {
        let words = self.random.usize(words);
        generated.info = info(generated.info.kind(), words, &generated.lends);
        refused(generated);
    }

    fn spoil_scalar(&mut self, generated: &mut Generated, namespace: &Namespace, message: &Message) {
        let arguments = message.arguments.iter().filter(|field| is_checked(field)).collect::<Vec<_>>();
        let Some(field) = self.random.choice(arguments) else { return };
        let places = scalars(field, |_| true);
        let (Some((offset, size)), Type::Scalar(scalar) | Type::Array(scalar, _)) =
            (self.random.choice(places), &field.ty)
        else {
            return;
        };
        let bad: &[u64] = match scalar {
            Scalar::Builtin(builtin) => match builtin.name {
                "bool" => &[2, 0x80, 0xff],
                "char" => &[0xd800, 0xdfff, 0x11_0000, 0xffff_ffff],
                _ => &[0, 1, 0xfff, 0x1fff, 0xffff_ffff],
            },
            Scalar::Enum { .. } => &[0, 1, 2, 3, 4, 5, 100, 0x8000_0000, 0xffff_fffe, 0xffff_ffff],
        };
        let members =
            self.interfaces.enum_of(namespace, scalar).map_or(&[][..], |definition| &definition.members);
        let is_member = |value: u64| members.iter().any(|member| u64::from(member.value) == value);
        let bad: Vec<u64> = bad.iter().copied().filter(|value| !is_member(*value)).collect();
        if let Some(value) = self.random.choice(bad) {
            put(&mut generated.payload, offset, size, value);
            refused(generated);
        }
    }

    fn spoil_handle(&mut self, generated: &mut Generated, message: &Message, defect: Defect) {
        let places = message.arguments.iter().flat_map(|field| scalars(field, is_handle)).collect::<Vec<_>>();
        let handle = match defect {
            Defect::ForeignHandle => self.random.choice(&self.foreign).copied(),
            // Keys have their generation in the upper half.
            Defect::StaleHandle => self.random.choice(&self.own).map(|handle| handle.wrapping_sub(1 << 16)),
            _ => Some(self.never_issued()),
        };
        if let (Some((offset, size)), Some(handle)) = (self.random.choice(places), handle) {
            put(&mut generated.payload, offset, size, handle.into());
        }
        if defect == Defect::NeverIssuedHandle && generated.is_call {
            generated.expected = Some(Expected::AnyError);
        }
    }

    /// Generations that high are reached by no test.
    fn never_issued(&mut self) -> u32 {
        loop {
            let any = self.random.u32(1 << 31..);
            let handle = self.random.choice([0, u32::MAX, any]).unwrap_or_default();
            if !self.own.contains(&handle) && !self.foreign.contains(&handle) {
                return handle;
            }
        }
    }

    fn spoil_shape(&mut self, generated: &mut Generated, message: &Message, defect: Defect) {
        let lends = &mut generated.lends;
        match defect {
            Defect::LendMissing => drop(lends.pop()),
            Defect::LendSurplus => lends.push(super::Lending::new(vec![0; 8], self.random.bool())),
            _ => {
                if let Some(lend) = self.random.choice(lends.iter_mut()) {
                    lend.writable = !lend.writable;
                }
            }
        }
        generated.info = info(message.number, message.request.words(), lends);
        refused(generated);
    }

    fn spoil_text(&mut self, generated: &mut Generated, message: &Message, defect: Defect) {
        let texts = message.arguments.iter().filter(|field| field.ty == Type::Str).collect::<Vec<_>>();
        let Some(field) = self.random.choice(texts) else { return };
        let Some(lend) = field.lend.and_then(|lend| generated.lends.get_mut(lend)) else { return };
        let bytes = &mut lend.bytes;
        let bad = if defect == Defect::TextWithNul { 0 } else { self.random.u8(0xf8..) };
        match self.random.usize(0..=bytes.len()) {
            place if place < bytes.len() => bytes[place] = bad,
            _ => bytes.push(bad),
        }
        (lend.claimed, lend.readable) = (bytes.len(), bytes.len());
        put(&mut generated.payload, field.offset, 4, bytes.len() as u64);
        generated.expected = Some(Expected::AnyError);
    }

    /// Makes a lend's length in the payload, its record and its memory differ.
    fn spoil_memory(&mut self, generated: &mut Generated, message: &Message, defect: Defect) {
        let fields = message.lends().collect::<Vec<_>>();
        let Some((field, writable)) = self.random.choice(fields) else { return };
        let Some(lend) = field.lend.and_then(|lend| generated.lends.get_mut(lend)) else { return };
        // Of nothing, nothing can be missing.
        if lend.bytes.is_empty() {
            *lend = super::Lending::new(b"abc".to_vec(), writable);
        }
        let length = lend.bytes.len() as u64;
        let field_says = match defect {
            Defect::LengthLarger => length + self.random.u64(1..=4096),
            Defect::LengthSmaller => self.random.u64(0..length),
            Defect::LengthHuge | Defect::LendHuge => u32::MAX.into(),
            _ => length,
        };
        match defect {
            Defect::LendHuge => lend.claimed = HUGE,
            Defect::LendUnreadable => lend.readable = 0,
            Defect::LendPartlyUnreadable => lend.readable = self.random.usize(0..lend.bytes.len()),
            _ => {}
        }
        put(&mut generated.payload, length_offset(field), 4, field_says);
        // Text is read whole or not at all; of other memory a server may need only a part.
        if field.ty == Type::Str && !writable && defect != Defect::LengthSmaller {
            generated.expected = Some(Expected::AnyError);
        }
    }
}

/// The dispatcher refuses it, if anybody waits.
fn refused(generated: &mut Generated) {
    generated.expected = Some(match generated.is_call {
        true => Expected::Error(Error::BadMessage),
        false => Expected::Silence,
    });
}

/// Whether the message can have the defect.
fn applies(defect: Defect, message: &Message) -> bool {
    let lends = message.lends().count();
    let is_call = message.kind != MessageKind::Oneway;
    match defect {
        Defect::NotCalled => is_call && lends == 0,
        Defect::Truncated => message.request.words() > 0,
        Defect::Overlong => message.request.words() < PAYLOAD_WORDS,
        Defect::BadScalar => message.arguments.iter().any(is_checked),
        Defect::NeverIssuedHandle | Defect::StaleHandle | Defect::ForeignHandle => {
            message.arguments.iter().any(|field| !scalars(field, is_handle).is_empty())
        }
        Defect::LendSurplus => is_call && lends < MAX_LENDS,
        Defect::TextWithNul | Defect::TextNotUtf8 => {
            message.arguments.iter().any(|field| field.ty == Type::Str)
        }
        _ => lends > 0,
    }
}

/// Whether the field has values that its type on the wire has and its type does not.
fn is_checked(field: &Field) -> bool {
    let is_checked = |scalar: &Scalar| match scalar {
        Scalar::Builtin(builtin) => matches!(builtin.name, "bool" | "char" | "task"),
        Scalar::Enum { .. } => true,
    };
    !scalars(field, is_checked).is_empty()
}
