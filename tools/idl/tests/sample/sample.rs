/// An enum for other namespaces.
#[allow(
    clippy::len_without_is_empty,
    clippy::new_ret_no_self,
    clippy::should_implement_trait,
    clippy::too_many_arguments,
    clippy::wrong_self_convention,
    reason = "the names and the arguments are the interface's"
)]
pub mod shapes {
    /// The name of the service that servers of this interface provide.
    pub const NAME: &str = "shapes";

    /// The constant `SIDES`.
    pub const SIDES: usize = 4;

    /// What a thing looks like.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    #[repr(u32)]
    pub enum Kind {
        /// `ROUND`
        Round = 1,
        /// `SQUARE`
        Square = 16,
        /// `FREE_FORM`
        FreeForm = 4294967295,
    }

    impl From<Kind> for u32 {
        #[inline]
        fn from(value: Kind) -> u32 {
            value as u32
        }
    }

    impl TryFrom<u32> for Kind {
        type Error = ipc::Error;

        /// The member with this value; `BadMessage` if there is none.
        #[inline]
        fn try_from(value: u32) -> Result<Self, ipc::Error> {
            match value {
                1 => Ok(Self::Round),
                16 => Ok(Self::Square),
                4294967295 => Ok(Self::FreeForm),
                _ => Err(ipc::Error::BadMessage),
            }
        }
    }
}

/// A sample interface.
///
/// Second paragraph.
#[allow(
    clippy::len_without_is_empty,
    clippy::new_ret_no_self,
    clippy::should_implement_trait,
    clippy::too_many_arguments,
    clippy::wrong_self_convention,
    reason = "the names and the arguments are the interface's"
)]
pub mod sample {
    /// The name of the service that servers of this interface provide.
    pub const NAME: &str = "sample";

    /// The numbers of the messages.
    pub mod message {
        /// [`Client::ping`](super::Client::ping)
        pub const PING: u16 = 32;
        /// [`Client::add`](super::Client::add)
        pub const ADD: u16 = 33;
        /// [`Client::scalars`](super::Client::scalars)
        pub const SCALARS: u16 = 34;
        /// [`Client::arrays`](super::Client::arrays)
        pub const ARRAYS: u16 = 35;
        /// [`Client::shout`](super::Client::shout)
        pub const SHOUT: u16 = 36;
        /// [`Client::copy`](super::Client::copy)
        pub const COPY: u16 = 37;
        /// [`Client::length`](super::Client::length)
        pub const LENGTH: u16 = 38;
        /// [`Client::mixed`](super::Client::mixed)
        pub const MIXED: u16 = 39;
        /// [`Client::wait`](super::Client::wait)
        pub const WAIT: u16 = 40;
        /// [`Client::wait_for_data`](super::Client::wait_for_data)
        pub const WAIT_FOR_DATA: u16 = 41;
        /// [`Client::forgotten`](super::Client::forgotten)
        pub const FORGOTTEN: u16 = 42;
        /// [`Client::poke`](super::Client::poke)
        pub const POKE: u16 = 43;
        /// [`changed`](super::changed)
        pub const CHANGED: u16 = 44;
        /// [`stopped`](super::stopped)
        pub const STOPPED: u16 = 45;
        /// [`Client::r#type`](super::Client::r#type)
        pub const TYPE: u16 = 46;
        /// [`Client::r#match`](super::Client::r#match)
        pub const MATCH: u16 = 47;
        /// [`r#impl`](super::r#impl)
        pub const IMPL: u16 = 48;
        /// [`Client::parent`](super::Client::parent)
        pub const PARENT: u16 = 49;
        /// [`Client::mixed_colour`](super::Client::mixed_colour)
        pub const MIXED_COLOUR: u16 = 50;
        /// [`Client::is_even`](super::Client::is_even)
        pub const IS_EVEN: u16 = 51;
    }

    /// A number.
    pub const LIMIT: u16 = 1000;

    /// The constant `MINUS`.
    pub const MINUS: i8 = -128;

    /// The constant `YES`.
    pub const YES: bool = true;

    /// The constant `LETTER`.
    pub const LETTER: char = 'é';

    /// The constant `GREETING`.
    pub const GREETING: &str = "hello \"world\"\n";

    /// The constant `GREATEST`.
    pub const GREATEST: u64 = 18446744073709551615;

    /// A colour.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    #[repr(u32)]
    pub enum Colour {
        /// Like blood.
        Red = 1,
        /// `DARK_GREEN`
        DarkGreen = 2,
    }

    impl From<Colour> for u32 {
        #[inline]
        fn from(value: Colour) -> u32 {
            value as u32
        }
    }

    impl TryFrom<u32> for Colour {
        type Error = ipc::Error;

        /// The member with this value; `BadMessage` if there is none.
        #[inline]
        fn try_from(value: u32) -> Result<Self, ipc::Error> {
            match value {
                1 => Ok(Self::Red),
                2 => Ok(Self::DarkGreen),
                _ => Err(ipc::Error::BadMessage),
            }
        }
    }

    /// What `scalars` is answered with.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct ScalarsReply {
        /// The value `a`.
        pub a: bool,
        /// The value `b`.
        pub b: char,
        /// The value `c`.
        pub c: i8,
        /// The value `d`.
        pub d: i16,
        /// The value `e`.
        pub e: i32,
        /// The value `f`.
        pub f: i64,
        /// The value `g`.
        pub g: u8,
        /// The value `h`.
        pub h: u16,
        /// The value `i`.
        pub i: u32,
        /// The value `j`.
        pub j: u64,
        /// The value `k`.
        pub k: i32,
        /// The value `l`.
        pub l: u32,
        /// The value `m`.
        pub m: usize,
        /// The value `n`.
        pub n: u64,
        /// The value `o`.
        pub o: usize,
        /// The value `p`.
        pub p: u64,
        /// The value `q`.
        pub q: ipc::TaskId,
        /// The value `r`.
        pub r: ipc::Handle,
        /// The value `s`.
        pub s: u32,
        /// The value `t`.
        pub t: Colour,
        /// The value `u`.
        pub u: super::shapes::Kind,
    }

    /// What `arrays` is answered with.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct ArraysReply {
        /// The value `mac`.
        pub mac: [u8; 6],
        /// The value `words`.
        pub words: [u64; 4],
        /// The value `flags`.
        pub flags: [bool; 3],
        /// The value `letters`.
        pub letters: [char; 2],
        /// The value `tasks`.
        pub tasks: [ipc::TaskId; 2],
        /// The value `sizes`.
        pub sizes: [usize; 2],
        /// The value `colours`.
        pub colours: [Colour; 2],
        /// The value `kinds`.
        pub kinds: [super::shapes::Kind; 1],
        /// The value `handles`.
        pub handles: [ipc::Handle; 2],
    }

    /// What `mixed` is answered with.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct MixedReply {
        /// The value `count`.
        pub count: u8,
        /// How many bytes of `title` there are.
        pub title: usize,
        /// How many bytes of `content` there are.
        pub content: usize,
        /// The value `last`.
        pub last: u64,
    }

    /// What [`Client::mixed`] returns.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct MixedResult<'a> {
        /// The value `count`.
        pub count: u8,
        /// The value `title`.
        pub title: &'a str,
        /// How many bytes of `content` there are.
        pub content: usize,
        /// The value `last`.
        pub last: u64,
    }

    /// What `wait_for_data` is answered with.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct WaitForDataReply {
        /// How many bytes of `data` there are.
        pub data: usize,
        /// The value `more`.
        pub more: bool,
    }

    /// What `type` is answered with.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct TypeReply {
        /// The value `reply`.
        pub reply: u8,
        /// The value `fn`.
        pub r#fn: bool,
    }

    /// Calls a server of the interface `sample`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Client {
        server: ipc::TaskId,
    }

    impl Client {
        /// A client of the task `server`.
        #[inline]
        pub const fn new(server: ipc::TaskId) -> Self {
            Self { server }
        }

        /// The task that is called.
        #[inline]
        pub const fn task(&self) -> ipc::TaskId {
            self.server
        }

        /// Does nothing.
        #[inline]
        pub fn ping(&self) -> Result<(), ipc::Error> {
            ipc::stub::call(self.server, message::PING, 0, &[]).map(|_| ())
        }

        /// Calls `add`.
        #[inline]
        pub fn add(&self, left: i32, right: i64) -> Result<i64, ipc::Error> {
            ipc::stub::put::<i32>(0, left);
            ipc::stub::put::<i64>(8, right);
            ipc::stub::put::<u32>(4, 0);
            let info = ipc::stub::call(self.server, message::ADD, 2, &[])?;
            if info.words() != 1 {
                return Err(ipc::Error::BadMessage);
            }
            Ok(ipc::stub::get::<i64>(0))
        }

        /// Every scalar there is, out and back.
        #[inline]
        pub fn scalars(
            &self,
            a: bool,
            b: char,
            c: i8,
            d: i16,
            e: i32,
            f: i64,
            g: u8,
            h: u16,
            i: u32,
            j: u64,
            k: i32,
            l: u32,
            m: usize,
            n: u64,
            o: usize,
            p: u64,
            q: ipc::TaskId,
            r: ipc::Handle,
            s: u32,
            t: Colour,
            u: super::shapes::Kind,
        ) -> Result<ScalarsReply, ipc::Error> {
            ipc::stub::put::<u8>(0, u8::from(a));
            ipc::stub::put::<u32>(4, u32::from(b));
            ipc::stub::put::<i8>(8, c);
            ipc::stub::put::<i16>(10, d);
            ipc::stub::put::<i32>(12, e);
            ipc::stub::put::<i64>(16, f);
            ipc::stub::put::<u8>(24, g);
            ipc::stub::put::<u16>(26, h);
            ipc::stub::put::<u32>(28, i);
            ipc::stub::put::<u64>(32, j);
            ipc::stub::put::<i32>(40, k);
            ipc::stub::put::<u32>(44, l);
            ipc::stub::put::<u64>(48, m as u64);
            ipc::stub::put::<u64>(56, n);
            ipc::stub::put::<u64>(64, o as u64);
            ipc::stub::put::<u64>(72, p);
            ipc::stub::put::<u32>(80, q.raw() as u32);
            ipc::stub::put::<u32>(84, r.raw());
            ipc::stub::put::<u32>(88, s);
            ipc::stub::put::<u32>(92, u32::from(t));
            ipc::stub::put::<u32>(96, u32::from(u));
            ipc::stub::put::<u8>(1, 0);
            ipc::stub::put::<u16>(2, 0);
            ipc::stub::put::<u8>(9, 0);
            ipc::stub::put::<u8>(25, 0);
            ipc::stub::put::<u32>(100, 0);
            let info = ipc::stub::call(self.server, message::SCALARS, 13, &[])?;
            if info.words() != 13 {
                return Err(ipc::Error::BadMessage);
            }
            Ok(ScalarsReply {
                a: match ipc::stub::get::<u8>(0) {
                    0 => false,
                    1 => true,
                    _ => return Err(ipc::Error::BadMessage),
                },
                b: char::from_u32(ipc::stub::get::<u32>(4)).ok_or(ipc::Error::BadMessage)?,
                c: ipc::stub::get::<i8>(8),
                d: ipc::stub::get::<i16>(10),
                e: ipc::stub::get::<i32>(12),
                f: ipc::stub::get::<i64>(16),
                g: ipc::stub::get::<u8>(24),
                h: ipc::stub::get::<u16>(26),
                i: ipc::stub::get::<u32>(28),
                j: ipc::stub::get::<u64>(32),
                k: ipc::stub::get::<i32>(40),
                l: ipc::stub::get::<u32>(44),
                m: usize::try_from(ipc::stub::get::<u64>(48)).or(Err(ipc::Error::BadMessage))?,
                n: ipc::stub::get::<u64>(56),
                o: usize::try_from(ipc::stub::get::<u64>(64)).or(Err(ipc::Error::BadMessage))?,
                p: ipc::stub::get::<u64>(72),
                q: ipc::TaskId::from_raw(ipc::stub::get::<u32>(80) as usize).ok_or(ipc::Error::BadMessage)?,
                r: ipc::Handle::from_raw(ipc::stub::get::<u32>(84)),
                s: ipc::stub::get::<u32>(88),
                t: Colour::try_from(ipc::stub::get::<u32>(92))?,
                u: super::shapes::Kind::try_from(ipc::stub::get::<u32>(96))?,
            })
        }

        /// Calls `arrays`.
        #[inline]
        pub fn arrays(
            &self,
            mac: [u8; 6],
            words: [u64; 4],
            flags: [bool; 3],
            letters: [char; 2],
            tasks: [ipc::TaskId; 2],
            sizes: [usize; 2],
            colours: [Colour; 2],
            kinds: [super::shapes::Kind; 1],
            handles: [ipc::Handle; 2],
        ) -> Result<ArraysReply, ipc::Error> {
            ipc::stub::put::<[u8; 6]>(0, mac);
            ipc::stub::put::<[u64; 4]>(8, words);
            ipc::stub::put::<[u8; 3]>(40, flags.map(u8::from));
            ipc::stub::put::<[u32; 2]>(44, letters.map(u32::from));
            ipc::stub::put::<[u32; 2]>(52, tasks.map(|value| value.raw() as u32));
            ipc::stub::put::<[u64; 2]>(64, sizes.map(|value| value as u64));
            ipc::stub::put::<[u32; 2]>(80, colours.map(u32::from));
            ipc::stub::put::<[u32; 1]>(88, kinds.map(u32::from));
            ipc::stub::put::<[u32; 2]>(92, handles.map(|value| value.raw()));
            ipc::stub::put::<u16>(6, 0);
            ipc::stub::put::<u8>(43, 0);
            ipc::stub::put::<u32>(60, 0);
            ipc::stub::put::<u32>(100, 0);
            let info = ipc::stub::call(self.server, message::ARRAYS, 13, &[])?;
            if info.words() != 13 {
                return Err(ipc::Error::BadMessage);
            }
            Ok(ArraysReply {
                mac: ipc::stub::get::<[u8; 6]>(0),
                words: ipc::stub::get::<[u64; 4]>(8),
                flags: {
                    let raw = ipc::stub::get::<[u8; 3]>(40);
                    let first = match raw[0] {
                        0 => false,
                        1 => true,
                        _ => return Err(ipc::Error::BadMessage),
                    };
                    let mut values = [first; 3];
                    for (value, raw) in values.iter_mut().zip(raw) {
                        *value = match raw {
                            0 => false,
                            1 => true,
                            _ => return Err(ipc::Error::BadMessage),
                        };
                    }
                    values
                },
                letters: {
                    let raw = ipc::stub::get::<[u32; 2]>(44);
                    let first = char::from_u32(raw[0]).ok_or(ipc::Error::BadMessage)?;
                    let mut values = [first; 2];
                    for (value, raw) in values.iter_mut().zip(raw) {
                        *value = char::from_u32(raw).ok_or(ipc::Error::BadMessage)?;
                    }
                    values
                },
                tasks: {
                    let raw = ipc::stub::get::<[u32; 2]>(52);
                    let first = ipc::TaskId::from_raw(raw[0] as usize).ok_or(ipc::Error::BadMessage)?;
                    let mut values = [first; 2];
                    for (value, raw) in values.iter_mut().zip(raw) {
                        *value = ipc::TaskId::from_raw(raw as usize).ok_or(ipc::Error::BadMessage)?;
                    }
                    values
                },
                sizes: {
                    let raw = ipc::stub::get::<[u64; 2]>(64);
                    let first = usize::try_from(raw[0]).or(Err(ipc::Error::BadMessage))?;
                    let mut values = [first; 2];
                    for (value, raw) in values.iter_mut().zip(raw) {
                        *value = usize::try_from(raw).or(Err(ipc::Error::BadMessage))?;
                    }
                    values
                },
                colours: {
                    let raw = ipc::stub::get::<[u32; 2]>(80);
                    let first = Colour::try_from(raw[0])?;
                    let mut values = [first; 2];
                    for (value, raw) in values.iter_mut().zip(raw) {
                        *value = Colour::try_from(raw)?;
                    }
                    values
                },
                kinds: {
                    let raw = ipc::stub::get::<[u32; 1]>(88);
                    let first = super::shapes::Kind::try_from(raw[0])?;
                    let mut values = [first; 1];
                    for (value, raw) in values.iter_mut().zip(raw) {
                        *value = super::shapes::Kind::try_from(raw)?;
                    }
                    values
                },
                handles: {
                    let raw = ipc::stub::get::<[u32; 2]>(92);
                    let first = ipc::Handle::from_raw(raw[0]);
                    let mut values = [first; 2];
                    for (value, raw) in values.iter_mut().zip(raw) {
                        *value = ipc::Handle::from_raw(raw);
                    }
                    values
                },
            })
        }

        /// Appends in upper case.
        ///
        /// `loud` is the buffer for the reply; the text in it is returned.
        #[inline]
        pub fn shout<'a>(&self, text: &str, loud: &'a mut [u8]) -> Result<&'a str, ipc::Error> {
            ipc::stub::put::<u32>(0, u32::try_from(text.len()).or(Err(ipc::Error::TooLarge))?);
            ipc::stub::put::<u32>(4, u32::try_from(loud.len()).or(Err(ipc::Error::TooLarge))?);
            let lends = [ipc::stub::Lend::read(text.as_bytes()), ipc::stub::Lend::write(loud)];
            let info = ipc::stub::call(self.server, message::SHOUT, 1, &lends)?;
            if info.words() != 1 {
                return Err(ipc::Error::BadMessage);
            }
            ipc::stub::checked_text(
                loud.get(..ipc::stub::get::<u32>(0) as usize).ok_or(ipc::Error::BadMessage)?,
            )
        }

        /// Calls `copy`.
        ///
        /// `to` is the buffer for the reply; how many of its bytes were filled is returned.
        #[inline]
        pub fn copy(&self, from: &[u8], to: &mut [u8]) -> Result<usize, ipc::Error> {
            ipc::stub::put::<u32>(0, u32::try_from(from.len()).or(Err(ipc::Error::TooLarge))?);
            ipc::stub::put::<u32>(4, u32::try_from(to.len()).or(Err(ipc::Error::TooLarge))?);
            let lends = [ipc::stub::Lend::read(from), ipc::stub::Lend::write(to)];
            let info = ipc::stub::call(self.server, message::COPY, 1, &lends)?;
            if info.words() != 1 {
                return Err(ipc::Error::BadMessage);
            }
            ipc::stub::checked_length(ipc::stub::get::<u32>(0), to.len())
        }

        /// Calls `length`.
        #[inline]
        pub fn length(&self, text: &str, data: &[u8]) -> Result<usize, ipc::Error> {
            ipc::stub::put::<u32>(0, u32::try_from(text.len()).or(Err(ipc::Error::TooLarge))?);
            ipc::stub::put::<u32>(4, u32::try_from(data.len()).or(Err(ipc::Error::TooLarge))?);
            let lends = [ipc::stub::Lend::read(text.as_bytes()), ipc::stub::Lend::read(data)];
            let info = ipc::stub::call(self.server, message::LENGTH, 1, &lends)?;
            if info.words() != 1 {
                return Err(ipc::Error::BadMessage);
            }
            usize::try_from(ipc::stub::get::<u64>(0)).or(Err(ipc::Error::BadMessage))
        }

        /// Calls `mixed`.
        ///
        /// `title` is the buffer for the reply; the text in it is returned.
        /// `content` is the buffer for the reply; how many of its bytes were filled is returned.
        #[inline]
        pub fn mixed<'a>(
            &self,
            flag: bool,
            name: &str,
            data: &[u8],
            title: &'a mut [u8],
            content: &mut [u8],
        ) -> Result<MixedResult<'a>, ipc::Error> {
            ipc::stub::put::<u8>(0, u8::from(flag));
            ipc::stub::put::<u32>(4, u32::try_from(name.len()).or(Err(ipc::Error::TooLarge))?);
            ipc::stub::put::<u32>(8, u32::try_from(data.len()).or(Err(ipc::Error::TooLarge))?);
            ipc::stub::put::<u8>(1, 0);
            ipc::stub::put::<u16>(2, 0);
            ipc::stub::put::<u32>(20, 0);
            ipc::stub::put::<u32>(12, u32::try_from(title.len()).or(Err(ipc::Error::TooLarge))?);
            ipc::stub::put::<u32>(16, u32::try_from(content.len()).or(Err(ipc::Error::TooLarge))?);
            let lends = [
                ipc::stub::Lend::read(name.as_bytes()),
                ipc::stub::Lend::read(data),
                ipc::stub::Lend::write(title),
                ipc::stub::Lend::write(content),
            ];
            let info = ipc::stub::call(self.server, message::MIXED, 3, &lends)?;
            if info.words() != 3 {
                return Err(ipc::Error::BadMessage);
            }
            Ok(MixedResult {
                count: ipc::stub::get::<u8>(0),
                title: ipc::stub::checked_text(
                    title.get(..ipc::stub::get::<u32>(4) as usize).ok_or(ipc::Error::BadMessage)?,
                )?,
                content: ipc::stub::checked_length(ipc::stub::get::<u32>(8), content.len())?,
                last: ipc::stub::get::<u64>(16),
            })
        }

        /// Answered later.
        #[inline]
        pub fn wait(&self, ticks: u32, name: &str) -> Result<u64, ipc::Error> {
            ipc::stub::put::<u32>(0, ticks);
            ipc::stub::put::<u32>(4, u32::try_from(name.len()).or(Err(ipc::Error::TooLarge))?);
            let lends = [ipc::stub::Lend::read(name.as_bytes())];
            let info = ipc::stub::call(self.server, message::WAIT, 1, &lends)?;
            if info.words() != 1 {
                return Err(ipc::Error::BadMessage);
            }
            Ok(ipc::stub::get::<u64>(0))
        }

        /// Calls `wait_for_data`.
        ///
        /// `data` is the buffer for the reply; how many of its bytes were filled is returned.
        #[inline]
        pub fn wait_for_data(&self, most: u8, data: &mut [u8]) -> Result<WaitForDataReply, ipc::Error> {
            ipc::stub::put::<u8>(0, most);
            ipc::stub::put::<u8>(1, 0);
            ipc::stub::put::<u16>(2, 0);
            ipc::stub::put::<u32>(4, u32::try_from(data.len()).or(Err(ipc::Error::TooLarge))?);
            let lends = [ipc::stub::Lend::write(data)];
            let info = ipc::stub::call(self.server, message::WAIT_FOR_DATA, 1, &lends)?;
            if info.words() != 1 {
                return Err(ipc::Error::BadMessage);
            }
            Ok(WaitForDataReply {
                data: ipc::stub::checked_length(ipc::stub::get::<u32>(0), data.len())?,
                more: match ipc::stub::get::<u8>(4) {
                    0 => false,
                    1 => true,
                    _ => return Err(ipc::Error::BadMessage),
                },
            })
        }

        /// Calls `forgotten`.
        #[inline]
        pub fn forgotten(&self) -> Result<(), ipc::Error> {
            ipc::stub::call(self.server, message::FORGOTTEN, 0, &[]).map(|_| ())
        }

        /// Sends `poke`.
        #[inline]
        pub fn poke(&self, value: u8) -> Result<(), ipc::Error> {
            ipc::stub::put::<u8>(0, value);
            ipc::stub::put::<u8>(1, 0);
            ipc::stub::put::<u16>(2, 0);
            ipc::stub::put::<u32>(4, 0);
            ipc::stub::send(self.server, message::POKE, 1)
        }

        /// Calls `type`.
        #[inline]
        pub fn r#type(
            &self,
            server: u8,
            incoming: u16,
            info: u32,
            sender: u64,
            message: bool,
        ) -> Result<TypeReply, ipc::Error> {
            ipc::stub::put::<u8>(0, server);
            ipc::stub::put::<u16>(2, incoming);
            ipc::stub::put::<u32>(4, info);
            ipc::stub::put::<u64>(8, sender);
            ipc::stub::put::<u8>(16, u8::from(message));
            ipc::stub::put::<u8>(1, 0);
            ipc::stub::put::<u8>(17, 0);
            ipc::stub::put::<u16>(18, 0);
            ipc::stub::put::<u32>(20, 0);
            let info_ = ipc::stub::call(self.server, message::TYPE, 3, &[])?;
            if info_.words() != 1 {
                return Err(ipc::Error::BadMessage);
            }
            Ok(TypeReply {
                reply: ipc::stub::get::<u8>(0),
                r#fn: match ipc::stub::get::<u8>(1) {
                    0 => false,
                    1 => true,
                    _ => return Err(ipc::Error::BadMessage),
                },
            })
        }

        /// Calls `match`.
        #[inline]
        pub fn r#match(&self, pending: u8, call: u8, r#mut: [bool; 2]) -> Result<u8, ipc::Error> {
            ipc::stub::put::<u8>(0, pending);
            ipc::stub::put::<u8>(1, call);
            ipc::stub::put::<[u8; 2]>(2, r#mut.map(u8::from));
            ipc::stub::put::<u32>(4, 0);
            let info = ipc::stub::call(self.server, message::MATCH, 1, &[])?;
            if info.words() != 1 {
                return Err(ipc::Error::BadMessage);
            }
            Ok(ipc::stub::get::<u8>(0))
        }

        /// Calls `parent`.
        #[inline]
        pub fn parent(&self, child: ipc::TaskId) -> Result<ipc::TaskId, ipc::Error> {
            ipc::stub::put::<u32>(0, child.raw() as u32);
            ipc::stub::put::<u32>(4, 0);
            let info = ipc::stub::call(self.server, message::PARENT, 1, &[])?;
            if info.words() != 1 {
                return Err(ipc::Error::BadMessage);
            }
            ipc::TaskId::from_raw(ipc::stub::get::<u32>(0) as usize).ok_or(ipc::Error::BadMessage)
        }

        /// Calls `mixed_colour`.
        #[inline]
        pub fn mixed_colour(&self, from: Colour) -> Result<Colour, ipc::Error> {
            ipc::stub::put::<u32>(0, u32::from(from));
            ipc::stub::put::<u32>(4, 0);
            let info = ipc::stub::call(self.server, message::MIXED_COLOUR, 1, &[])?;
            if info.words() != 1 {
                return Err(ipc::Error::BadMessage);
            }
            Colour::try_from(ipc::stub::get::<u32>(0))
        }

        /// Calls `is_even`.
        #[inline]
        pub fn is_even(&self, number: usize) -> Result<bool, ipc::Error> {
            ipc::stub::put::<u64>(0, number as u64);
            let info = ipc::stub::call(self.server, message::IS_EVEN, 1, &[])?;
            if info.words() != 1 {
                return Err(ipc::Error::BadMessage);
            }
            Ok(match ipc::stub::get::<u8>(0) {
                0 => false,
                1 => true,
                _ => return Err(ipc::Error::BadMessage),
            })
        }
    }

    /// A call of [`Client::wait`] that waits for its answer. Dropping it fails the call with `Aborted`.
    #[derive(Debug)]
    pub struct WaitCall {
        /// The value `ticks`.
        pub ticks: u32,
        name_length: u32,
        pending: ipc::Pending,
    }

    impl WaitCall {
        /// The task that waits.
        #[inline]
        pub const fn sender(&self) -> ipc::TaskId {
            self.pending.client()
        }

        /// The memory lent for `name`.
        #[inline]
        pub const fn name(&self) -> ipc::StrLend<'_> {
            self.pending.str_lend(0, self.name_length)
        }

        /// Answers the call.
        #[inline]
        pub fn reply(self, woken: u64) {
            ipc::stub::put::<u64>(0, woken);
            self.pending.reply(ipc::MessageInfo::new(message::WAIT, 1));
        }

        /// Answers with an error.
        #[inline]
        pub fn fail(self, error: ipc::Error) {
            self.pending.fail(error);
        }
    }

    /// A call of [`Client::wait_for_data`] that waits for its answer. Dropping it fails the call with `Aborted`.
    #[derive(Debug)]
    pub struct WaitForDataCall {
        /// The value `most`.
        pub most: u8,
        data_length: u32,
        pending: ipc::Pending,
    }

    impl WaitForDataCall {
        /// The task that waits.
        #[inline]
        pub const fn sender(&self) -> ipc::TaskId {
            self.pending.client()
        }

        /// The memory lent for `data`.
        #[inline]
        pub const fn data(&self) -> ipc::WriteLend<'_> {
            self.pending.write_lend(0, self.data_length)
        }

        /// Answers the call.
        /// `data` is how many bytes of it were written; the call fails with `TooLarge` if that is
        /// more than there is room for.
        #[inline]
        pub fn reply(self, data: usize, more: bool) {
            if data > self.data_length as usize {
                return self.fail(ipc::Error::TooLarge);
            }
            ipc::stub::put::<u32>(0, data as u32);
            ipc::stub::put::<u8>(4, u8::from(more));
            ipc::stub::put::<u8>(5, 0);
            ipc::stub::put::<u16>(6, 0);
            self.pending.reply(ipc::MessageInfo::new(message::WAIT_FOR_DATA, 1));
        }

        /// Answers with an error.
        #[inline]
        pub fn fail(self, error: ipc::Error) {
            self.pending.fail(error);
        }
    }

    /// A call of [`Client::forgotten`] that waits for its answer. Dropping it fails the call with `Aborted`.
    #[derive(Debug)]
    pub struct ForgottenCall {
        pending: ipc::Pending,
    }

    impl ForgottenCall {
        /// The task that waits.
        #[inline]
        pub const fn sender(&self) -> ipc::TaskId {
            self.pending.client()
        }

        /// Answers the call.
        #[inline]
        pub fn reply(self) {
            self.pending.reply(ipc::MessageInfo::new(message::FORGOTTEN, 0));
        }

        /// Answers with an error.
        #[inline]
        pub fn fail(self, error: ipc::Error) {
            self.pending.fail(error);
        }
    }

    /// A call of [`Client::r#match`] that waits for its answer. Dropping it fails the call with `Aborted`.
    #[derive(Debug)]
    pub struct MatchCall {
        /// The value `pending`.
        pub pending: u8,
        /// The value `call`.
        pub call: u8,
        /// The value `mut`.
        pub r#mut: [bool; 2],
        pending_: ipc::Pending,
    }

    impl MatchCall {
        /// The task that waits.
        #[inline]
        pub const fn sender(&self) -> ipc::TaskId {
            self.pending_.client()
        }

        /// Answers the call.
        #[inline]
        pub fn reply(self, ok: u8) {
            ipc::stub::put::<u8>(0, ok);
            ipc::stub::put::<u8>(1, 0);
            ipc::stub::put::<u16>(2, 0);
            ipc::stub::put::<u32>(4, 0);
            self.pending_.reply(ipc::MessageInfo::new(message::MATCH, 1));
        }

        /// Answers with an error.
        #[inline]
        pub fn fail(self, error: ipc::Error) {
            self.pending_.fail(error);
        }
    }

    /// A server of the interface `sample`; `sender` is the task that sent the message.
    pub trait Server {
        /// Does nothing.
        fn ping(&mut self, sender: ipc::TaskId) -> Result<(), ipc::Error>;

        /// Handles `add`.
        fn add(&mut self, sender: ipc::TaskId, left: i32, right: i64) -> Result<i64, ipc::Error>;

        /// Every scalar there is, out and back.
        fn scalars(
            &mut self,
            sender: ipc::TaskId,
            a: bool,
            b: char,
            c: i8,
            d: i16,
            e: i32,
            f: i64,
            g: u8,
            h: u16,
            i: u32,
            j: u64,
            k: i32,
            l: u32,
            m: usize,
            n: u64,
            o: usize,
            p: u64,
            q: ipc::TaskId,
            r: ipc::Handle,
            s: u32,
            t: Colour,
            u: super::shapes::Kind,
        ) -> Result<ScalarsReply, ipc::Error>;

        /// Handles `arrays`.
        fn arrays(
            &mut self,
            sender: ipc::TaskId,
            mac: [u8; 6],
            words: [u64; 4],
            flags: [bool; 3],
            letters: [char; 2],
            tasks: [ipc::TaskId; 2],
            sizes: [usize; 2],
            colours: [Colour; 2],
            kinds: [super::shapes::Kind; 1],
            handles: [ipc::Handle; 2],
        ) -> Result<ArraysReply, ipc::Error>;

        /// Appends in upper case.
        fn shout(
            &mut self,
            sender: ipc::TaskId,
            text: ipc::StrLend<'_>,
            loud: ipc::WriteLend<'_>,
        ) -> Result<usize, ipc::Error>;

        /// Handles `copy`.
        fn copy(
            &mut self,
            sender: ipc::TaskId,
            from: ipc::ReadLend<'_>,
            to: ipc::WriteLend<'_>,
        ) -> Result<usize, ipc::Error>;

        /// Handles `length`.
        fn length(
            &mut self,
            sender: ipc::TaskId,
            text: ipc::StrLend<'_>,
            data: ipc::ReadLend<'_>,
        ) -> Result<usize, ipc::Error>;

        /// Handles `mixed`.
        fn mixed(
            &mut self,
            sender: ipc::TaskId,
            flag: bool,
            name: ipc::StrLend<'_>,
            data: ipc::ReadLend<'_>,
            title: ipc::WriteLend<'_>,
            content: ipc::WriteLend<'_>,
        ) -> Result<MixedReply, ipc::Error>;

        /// Answered later.
        ///
        /// The answer is given through `call`, now or later.
        fn wait(&mut self, call: WaitCall);

        /// Handles `wait_for_data`.
        ///
        /// The answer is given through `call`, now or later.
        fn wait_for_data(&mut self, call: WaitForDataCall);

        /// Handles `forgotten`.
        ///
        /// The answer is given through `call`, now or later.
        fn forgotten(&mut self, call: ForgottenCall);

        /// Handles `poke`.
        fn poke(&mut self, sender: ipc::TaskId, value: u8);

        /// Handles `type`.
        fn r#type(
            &mut self,
            sender_: ipc::TaskId,
            server: u8,
            incoming: u16,
            info: u32,
            sender: u64,
            message: bool,
        ) -> Result<TypeReply, ipc::Error>;

        /// Handles `match`.
        ///
        /// The answer is given through `call`, now or later.
        fn r#match(&mut self, call: MatchCall);

        /// Handles `parent`.
        fn parent(&mut self, sender: ipc::TaskId, child: ipc::TaskId) -> Result<ipc::TaskId, ipc::Error>;

        /// Handles `mixed_colour`.
        fn mixed_colour(&mut self, sender: ipc::TaskId, from: Colour) -> Result<Colour, ipc::Error>;

        /// Handles `is_even`.
        fn is_even(&mut self, sender: ipc::TaskId, number: usize) -> Result<bool, ipc::Error>;
    }

    #[inline(always)]
    fn handle_ping<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::PING, 0, 0, 0b0)?;
        server.ping(incoming.sender)?;
        Ok(0)
    }

    #[inline(always)]
    fn handle_add<S: Server + ?Sized>(server: &mut S, incoming: &ipc::Incoming) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::ADD, 2, 0, 0b0)?;
        let reply = server.add(incoming.sender, ipc::stub::get::<i32>(0), ipc::stub::get::<i64>(8))?;
        ipc::stub::put::<i64>(0, reply);
        Ok(1)
    }

    #[inline(always)]
    fn handle_scalars<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::SCALARS, 13, 0, 0b0)?;
        let reply = server.scalars(
            incoming.sender,
            match ipc::stub::get::<u8>(0) {
                0 => false,
                1 => true,
                _ => return Err(ipc::Error::BadMessage),
            },
            char::from_u32(ipc::stub::get::<u32>(4)).ok_or(ipc::Error::BadMessage)?,
            ipc::stub::get::<i8>(8),
            ipc::stub::get::<i16>(10),
            ipc::stub::get::<i32>(12),
            ipc::stub::get::<i64>(16),
            ipc::stub::get::<u8>(24),
            ipc::stub::get::<u16>(26),
            ipc::stub::get::<u32>(28),
            ipc::stub::get::<u64>(32),
            ipc::stub::get::<i32>(40),
            ipc::stub::get::<u32>(44),
            usize::try_from(ipc::stub::get::<u64>(48)).or(Err(ipc::Error::BadMessage))?,
            ipc::stub::get::<u64>(56),
            usize::try_from(ipc::stub::get::<u64>(64)).or(Err(ipc::Error::BadMessage))?,
            ipc::stub::get::<u64>(72),
            ipc::TaskId::from_raw(ipc::stub::get::<u32>(80) as usize).ok_or(ipc::Error::BadMessage)?,
            ipc::Handle::from_raw(ipc::stub::get::<u32>(84)),
            ipc::stub::get::<u32>(88),
            Colour::try_from(ipc::stub::get::<u32>(92))?,
            super::shapes::Kind::try_from(ipc::stub::get::<u32>(96))?,
        )?;
        ipc::stub::put::<u8>(0, u8::from(reply.a));
        ipc::stub::put::<u32>(4, u32::from(reply.b));
        ipc::stub::put::<i8>(8, reply.c);
        ipc::stub::put::<i16>(10, reply.d);
        ipc::stub::put::<i32>(12, reply.e);
        ipc::stub::put::<i64>(16, reply.f);
        ipc::stub::put::<u8>(24, reply.g);
        ipc::stub::put::<u16>(26, reply.h);
        ipc::stub::put::<u32>(28, reply.i);
        ipc::stub::put::<u64>(32, reply.j);
        ipc::stub::put::<i32>(40, reply.k);
        ipc::stub::put::<u32>(44, reply.l);
        ipc::stub::put::<u64>(48, reply.m as u64);
        ipc::stub::put::<u64>(56, reply.n);
        ipc::stub::put::<u64>(64, reply.o as u64);
        ipc::stub::put::<u64>(72, reply.p);
        ipc::stub::put::<u32>(80, reply.q.raw() as u32);
        ipc::stub::put::<u32>(84, reply.r.raw());
        ipc::stub::put::<u32>(88, reply.s);
        ipc::stub::put::<u32>(92, u32::from(reply.t));
        ipc::stub::put::<u32>(96, u32::from(reply.u));
        ipc::stub::put::<u8>(1, 0);
        ipc::stub::put::<u16>(2, 0);
        ipc::stub::put::<u8>(9, 0);
        ipc::stub::put::<u8>(25, 0);
        ipc::stub::put::<u32>(100, 0);
        Ok(13)
    }

    #[inline(always)]
    fn handle_arrays<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::ARRAYS, 13, 0, 0b0)?;
        let reply = server.arrays(
            incoming.sender,
            ipc::stub::get::<[u8; 6]>(0),
            ipc::stub::get::<[u64; 4]>(8),
            {
                let raw = ipc::stub::get::<[u8; 3]>(40);
                let first = match raw[0] {
                    0 => false,
                    1 => true,
                    _ => return Err(ipc::Error::BadMessage),
                };
                let mut values = [first; 3];
                for (value, raw) in values.iter_mut().zip(raw) {
                    *value = match raw {
                        0 => false,
                        1 => true,
                        _ => return Err(ipc::Error::BadMessage),
                    };
                }
                values
            },
            {
                let raw = ipc::stub::get::<[u32; 2]>(44);
                let first = char::from_u32(raw[0]).ok_or(ipc::Error::BadMessage)?;
                let mut values = [first; 2];
                for (value, raw) in values.iter_mut().zip(raw) {
                    *value = char::from_u32(raw).ok_or(ipc::Error::BadMessage)?;
                }
                values
            },
            {
                let raw = ipc::stub::get::<[u32; 2]>(52);
                let first = ipc::TaskId::from_raw(raw[0] as usize).ok_or(ipc::Error::BadMessage)?;
                let mut values = [first; 2];
                for (value, raw) in values.iter_mut().zip(raw) {
                    *value = ipc::TaskId::from_raw(raw as usize).ok_or(ipc::Error::BadMessage)?;
                }
                values
            },
            {
                let raw = ipc::stub::get::<[u64; 2]>(64);
                let first = usize::try_from(raw[0]).or(Err(ipc::Error::BadMessage))?;
                let mut values = [first; 2];
                for (value, raw) in values.iter_mut().zip(raw) {
                    *value = usize::try_from(raw).or(Err(ipc::Error::BadMessage))?;
                }
                values
            },
            {
                let raw = ipc::stub::get::<[u32; 2]>(80);
                let first = Colour::try_from(raw[0])?;
                let mut values = [first; 2];
                for (value, raw) in values.iter_mut().zip(raw) {
                    *value = Colour::try_from(raw)?;
                }
                values
            },
            {
                let raw = ipc::stub::get::<[u32; 1]>(88);
                let first = super::shapes::Kind::try_from(raw[0])?;
                let mut values = [first; 1];
                for (value, raw) in values.iter_mut().zip(raw) {
                    *value = super::shapes::Kind::try_from(raw)?;
                }
                values
            },
            {
                let raw = ipc::stub::get::<[u32; 2]>(92);
                let first = ipc::Handle::from_raw(raw[0]);
                let mut values = [first; 2];
                for (value, raw) in values.iter_mut().zip(raw) {
                    *value = ipc::Handle::from_raw(raw);
                }
                values
            },
        )?;
        ipc::stub::put::<[u8; 6]>(0, reply.mac);
        ipc::stub::put::<[u64; 4]>(8, reply.words);
        ipc::stub::put::<[u8; 3]>(40, reply.flags.map(u8::from));
        ipc::stub::put::<[u32; 2]>(44, reply.letters.map(u32::from));
        ipc::stub::put::<[u32; 2]>(52, reply.tasks.map(|value| value.raw() as u32));
        ipc::stub::put::<[u64; 2]>(64, reply.sizes.map(|value| value as u64));
        ipc::stub::put::<[u32; 2]>(80, reply.colours.map(u32::from));
        ipc::stub::put::<[u32; 1]>(88, reply.kinds.map(u32::from));
        ipc::stub::put::<[u32; 2]>(92, reply.handles.map(|value| value.raw()));
        ipc::stub::put::<u16>(6, 0);
        ipc::stub::put::<u8>(43, 0);
        ipc::stub::put::<u32>(60, 0);
        ipc::stub::put::<u32>(100, 0);
        Ok(13)
    }

    #[inline(always)]
    fn handle_shout<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::SHOUT, 1, 2, 0b10)?;
        let loud_capacity = ipc::stub::get::<u32>(4);
        let reply = server.shout(
            incoming.sender,
            incoming.str_lend(0, ipc::stub::get::<u32>(0)),
            incoming.write_lend(1, loud_capacity),
        )?;
        if reply > loud_capacity as usize {
            return Err(ipc::Error::TooLarge);
        }
        ipc::stub::put::<u32>(0, reply as u32);
        ipc::stub::put::<u32>(4, 0);
        Ok(1)
    }

    #[inline(always)]
    fn handle_copy<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::COPY, 1, 2, 0b10)?;
        let to_capacity = ipc::stub::get::<u32>(4);
        let reply = server.copy(
            incoming.sender,
            incoming.read_lend(0, ipc::stub::get::<u32>(0)),
            incoming.write_lend(1, to_capacity),
        )?;
        if reply > to_capacity as usize {
            return Err(ipc::Error::TooLarge);
        }
        ipc::stub::put::<u32>(0, reply as u32);
        ipc::stub::put::<u32>(4, 0);
        Ok(1)
    }

    #[inline(always)]
    fn handle_length<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::LENGTH, 1, 2, 0b0)?;
        let reply = server.length(
            incoming.sender,
            incoming.str_lend(0, ipc::stub::get::<u32>(0)),
            incoming.read_lend(1, ipc::stub::get::<u32>(4)),
        )?;
        ipc::stub::put::<u64>(0, reply as u64);
        Ok(1)
    }

    #[inline(always)]
    fn handle_mixed<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::MIXED, 3, 4, 0b1100)?;
        let title_capacity = ipc::stub::get::<u32>(12);
        let content_capacity = ipc::stub::get::<u32>(16);
        let reply = server.mixed(
            incoming.sender,
            match ipc::stub::get::<u8>(0) {
                0 => false,
                1 => true,
                _ => return Err(ipc::Error::BadMessage),
            },
            incoming.str_lend(0, ipc::stub::get::<u32>(4)),
            incoming.read_lend(1, ipc::stub::get::<u32>(8)),
            incoming.write_lend(2, title_capacity),
            incoming.write_lend(3, content_capacity),
        )?;
        if reply.title > title_capacity as usize {
            return Err(ipc::Error::TooLarge);
        }
        if reply.content > content_capacity as usize {
            return Err(ipc::Error::TooLarge);
        }
        ipc::stub::put::<u8>(0, reply.count);
        ipc::stub::put::<u32>(4, reply.title as u32);
        ipc::stub::put::<u32>(8, reply.content as u32);
        ipc::stub::put::<u64>(16, reply.last);
        ipc::stub::put::<u8>(1, 0);
        ipc::stub::put::<u16>(2, 0);
        ipc::stub::put::<u32>(12, 0);
        Ok(3)
    }

    #[inline(always)]
    fn handle_wait<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::WAIT, 1, 1, 0b0)?;
        let call = WaitCall {
            ticks: ipc::stub::get::<u32>(0),
            name_length: ipc::stub::get::<u32>(4),
            pending: ipc::Pending::new(incoming),
        };
        server.wait(call);
        Ok(0)
    }

    #[inline(always)]
    fn handle_wait_for_data<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::WAIT_FOR_DATA, 1, 1, 0b1)?;
        let call = WaitForDataCall {
            most: ipc::stub::get::<u8>(0),
            data_length: ipc::stub::get::<u32>(4),
            pending: ipc::Pending::new(incoming),
        };
        server.wait_for_data(call);
        Ok(0)
    }

    #[inline(always)]
    fn handle_forgotten<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::FORGOTTEN, 0, 0, 0b0)?;
        let call = ForgottenCall { pending: ipc::Pending::new(incoming) };
        server.forgotten(call);
        Ok(0)
    }

    #[inline(always)]
    fn handle_poke<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::POKE, 1, 0, 0b0)?;
        server.poke(incoming.sender, ipc::stub::get::<u8>(0));
        Ok(0)
    }

    #[inline(always)]
    fn handle_type<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::TYPE, 3, 0, 0b0)?;
        let reply = server.r#type(
            incoming.sender,
            ipc::stub::get::<u8>(0),
            ipc::stub::get::<u16>(2),
            ipc::stub::get::<u32>(4),
            ipc::stub::get::<u64>(8),
            match ipc::stub::get::<u8>(16) {
                0 => false,
                1 => true,
                _ => return Err(ipc::Error::BadMessage),
            },
        )?;
        ipc::stub::put::<u8>(0, reply.reply);
        ipc::stub::put::<u8>(1, u8::from(reply.r#fn));
        ipc::stub::put::<u16>(2, 0);
        ipc::stub::put::<u32>(4, 0);
        Ok(1)
    }

    #[inline(always)]
    fn handle_match<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::MATCH, 1, 0, 0b0)?;
        let call = MatchCall {
            pending: ipc::stub::get::<u8>(0),
            call: ipc::stub::get::<u8>(1),
            r#mut: {
                let raw = ipc::stub::get::<[u8; 2]>(2);
                let first = match raw[0] {
                    0 => false,
                    1 => true,
                    _ => return Err(ipc::Error::BadMessage),
                };
                let mut values = [first; 2];
                for (value, raw) in values.iter_mut().zip(raw) {
                    *value = match raw {
                        0 => false,
                        1 => true,
                        _ => return Err(ipc::Error::BadMessage),
                    };
                }
                values
            },
            pending_: ipc::Pending::new(incoming),
        };
        server.r#match(call);
        Ok(0)
    }

    #[inline(always)]
    fn handle_parent<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::PARENT, 1, 0, 0b0)?;
        let reply = server.parent(
            incoming.sender,
            ipc::TaskId::from_raw(ipc::stub::get::<u32>(0) as usize).ok_or(ipc::Error::BadMessage)?,
        )?;
        ipc::stub::put::<u32>(0, reply.raw() as u32);
        ipc::stub::put::<u32>(4, 0);
        Ok(1)
    }

    #[inline(always)]
    fn handle_mixed_colour<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::MIXED_COLOUR, 1, 0, 0b0)?;
        let reply = server.mixed_colour(incoming.sender, Colour::try_from(ipc::stub::get::<u32>(0))?)?;
        ipc::stub::put::<u32>(0, u32::from(reply));
        ipc::stub::put::<u32>(4, 0);
        Ok(1)
    }

    #[inline(always)]
    fn handle_is_even<S: Server + ?Sized>(
        server: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::IS_EVEN, 1, 0, 0b0)?;
        let reply = server.is_even(
            incoming.sender,
            usize::try_from(ipc::stub::get::<u64>(0)).or(Err(ipc::Error::BadMessage))?,
        )?;
        ipc::stub::put::<u8>(0, u8::from(reply));
        ipc::stub::put::<u8>(1, 0);
        ipc::stub::put::<u16>(2, 0);
        ipc::stub::put::<u32>(4, 0);
        Ok(1)
    }

    /// Decodes a message, has the server handle it, and encodes the reply. `Unknown` if it is not of this interface.
    #[inline]
    pub fn dispatch<S: Server + ?Sized>(server: &mut S, incoming: &ipc::Incoming) -> ipc::Answer {
        match incoming.info.kind() {
            message::PING => ipc::stub::answer(message::PING, handle_ping(server, incoming)),
            message::ADD => ipc::stub::answer(message::ADD, handle_add(server, incoming)),
            message::SCALARS => ipc::stub::answer(message::SCALARS, handle_scalars(server, incoming)),
            message::ARRAYS => ipc::stub::answer(message::ARRAYS, handle_arrays(server, incoming)),
            message::SHOUT => ipc::stub::answer(message::SHOUT, handle_shout(server, incoming)),
            message::COPY => ipc::stub::answer(message::COPY, handle_copy(server, incoming)),
            message::LENGTH => ipc::stub::answer(message::LENGTH, handle_length(server, incoming)),
            message::MIXED => ipc::stub::answer(message::MIXED, handle_mixed(server, incoming)),
            message::WAIT => match handle_wait(server, incoming) {
                Ok(_) => ipc::Answer::Nothing,
                Err(error) => ipc::Answer::error(error),
            },
            message::WAIT_FOR_DATA => match handle_wait_for_data(server, incoming) {
                Ok(_) => ipc::Answer::Nothing,
                Err(error) => ipc::Answer::error(error),
            },
            message::FORGOTTEN => match handle_forgotten(server, incoming) {
                Ok(_) => ipc::Answer::Nothing,
                Err(error) => ipc::Answer::error(error),
            },
            message::POKE => {
                // Nobody waits for an answer, so one that is malformed is ignored.
                let _ = handle_poke(server, incoming);
                ipc::Answer::Nothing
            }
            message::TYPE => ipc::stub::answer(message::TYPE, handle_type(server, incoming)),
            message::MATCH => match handle_match(server, incoming) {
                Ok(_) => ipc::Answer::Nothing,
                Err(error) => ipc::Answer::error(error),
            },
            message::PARENT => ipc::stub::answer(message::PARENT, handle_parent(server, incoming)),
            message::MIXED_COLOUR => {
                ipc::stub::answer(message::MIXED_COLOUR, handle_mixed_colour(server, incoming))
            }
            message::IS_EVEN => ipc::stub::answer(message::IS_EVEN, handle_is_even(server, incoming)),
            _ => ipc::Answer::Unknown,
        }
    }

    /// Queues `changed`.
    ///
    /// Queued in `outbox` for `to`, which is notified. Errors: `QueueFull`, `NoTask`, `NotPermitted`.
    pub fn changed(
        outbox: &mut ipc::Outbox,
        to: ipc::TaskId,
        handle: ipc::Handle,
        colour: Colour,
    ) -> Result<(), ipc::Error> {
        ipc::stub::put::<u32>(0, handle.raw());
        ipc::stub::put::<u32>(4, u32::from(colour));
        outbox.send(to, message::CHANGED, 1)
    }

    /// Queues `stopped`.
    ///
    /// Queued in `outbox` for `to`, which is notified. Errors: `QueueFull`, `NoTask`, `NotPermitted`.
    pub fn stopped(outbox: &mut ipc::Outbox, to: ipc::TaskId) -> Result<(), ipc::Error> {
        outbox.send(to, message::STOPPED, 0)
    }

    /// Queues `impl`.
    ///
    /// Queued in `outbox_` for `to_`, which is notified. Errors: `QueueFull`, `NoTask`, `NotPermitted`.
    pub fn r#impl(
        outbox_: &mut ipc::Outbox,
        to_: ipc::TaskId,
        outbox: u8,
        to: u16,
    ) -> Result<(), ipc::Error> {
        ipc::stub::put::<u8>(0, outbox);
        ipc::stub::put::<u16>(2, to);
        ipc::stub::put::<u8>(1, 0);
        ipc::stub::put::<u32>(4, 0);
        outbox_.send(to_, message::IMPL, 1)
    }

    /// Receives what servers of the interface `sample` queue; `sender` is the server.
    pub trait Receiver {
        /// Handles `changed`.
        fn changed(&mut self, sender: ipc::TaskId, handle: ipc::Handle, colour: Colour);

        /// Handles `stopped`.
        fn stopped(&mut self, sender: ipc::TaskId);

        /// Handles `impl`.
        fn r#impl(&mut self, sender: ipc::TaskId, outbox: u8, to: u16);
    }

    #[inline(always)]
    fn handle_changed<S: Receiver + ?Sized>(
        receiver: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::CHANGED, 1, 0, 0b0)?;
        receiver.changed(
            incoming.sender,
            ipc::Handle::from_raw(ipc::stub::get::<u32>(0)),
            Colour::try_from(ipc::stub::get::<u32>(4))?,
        );
        Ok(0)
    }

    #[inline(always)]
    fn handle_stopped<S: Receiver + ?Sized>(
        receiver: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::STOPPED, 0, 0, 0b0)?;
        receiver.stopped(incoming.sender);
        Ok(0)
    }

    #[inline(always)]
    fn handle_impl<S: Receiver + ?Sized>(
        receiver: &mut S,
        incoming: &ipc::Incoming,
    ) -> Result<usize, ipc::Error> {
        ipc::stub::expect(incoming, message::IMPL, 1, 0, 0b0)?;
        receiver.r#impl(incoming.sender, ipc::stub::get::<u8>(0), ipc::stub::get::<u16>(2));
        Ok(0)
    }

    /// Decodes a pulled message and has the receiver handle it. `Unknown` if it is not of this interface.
    #[inline]
    pub fn receive<S: Receiver + ?Sized>(receiver: &mut S, incoming: &ipc::Incoming) -> ipc::Answer {
        match incoming.info.kind() {
            message::CHANGED => {
                // Nobody waits for an answer, so one that is malformed is ignored.
                let _ = handle_changed(receiver, incoming);
                ipc::Answer::Nothing
            }
            message::STOPPED => {
                // Nobody waits for an answer, so one that is malformed is ignored.
                let _ = handle_stopped(receiver, incoming);
                ipc::Answer::Nothing
            }
            message::IMPL => {
                // Nobody waits for an answer, so one that is malformed is ignored.
                let _ = handle_impl(receiver, incoming);
                ipc::Answer::Nothing
            }
            _ => ipc::Answer::Unknown,
        }
    }
}

/// Each interface's name and the fingerprint of its messages, a line each. Programs carry this in a section that is
/// not loaded, so that the build can tell which interfaces they were built with.
pub const FINGERPRINTS: [u8; 48] = *b"\
shapes 148a31584cfb201a\n\
sample 0b4f9533cae5e726\n\
";
