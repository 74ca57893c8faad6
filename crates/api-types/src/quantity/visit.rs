//! Finds the quantities of any value by their type, wherever they are. It must not look into what is
//! kept as text: that may be of any depth.

use serde::{Serialize, ser};
use serde_json::{Error, Value};

/// Calls `found` with the path and the text of each quantity in `value`, such as
/// `resources.limits.cpu` and `500m`.
///
/// # Errors
///
/// None that a value of this crate has: it fails where `Serialize` does.
pub fn visit(value: &impl Serialize, found: &mut dyn FnMut(&str, &str)) -> Result<(), Error> {
    value.serialize(&mut Finder { path: String::new(), in_quantity: false, found })
}

/// The name by which the generated type is written.
const QUANTITY: &str = "Quantity";

struct Finder<'a> {
    path: String,
    in_quantity: bool,
    found: &'a mut dyn FnMut(&str, &str),
}

impl Finder<'_> {
    fn below(&mut self, step: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        let length = self.path.len();
        if length > 0 && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        let visited = value.serialize(&mut *self);
        self.path.truncate(length);
        visited
    }
}

/// A list or an object whose entries are visited.
struct Entries<'v, 'a> {
    finder: &'v mut Finder<'a>,
    /// Of the next item.
    index: usize,
    /// Of the next value.
    key: String,
}

impl<'v, 'a> Entries<'v, 'a> {
    #[expect(clippy::unnecessary_wraps, reason = "what the trait's methods return")]
    fn of(finder: &'v mut Finder<'a>) -> Result<Self, Error> {
        Ok(Self { finder, index: 0, key: String::new() })
    }

    fn item(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        let step = format!("[{}]", self.index);
        self.index += 1;
        self.finder.below(&step, value)
    }
}

/// Methods of values that hold nothing.
macro_rules! skip {
    ($($method:ident($($type:ty),*);)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<(), Error> { Ok(()) })*
    };
}

impl<'v, 'a> ser::Serializer for &'v mut Finder<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Entries<'v, 'a>;
    type SerializeTuple = Entries<'v, 'a>;
    type SerializeTupleStruct = Entries<'v, 'a>;
    type SerializeTupleVariant = Entries<'v, 'a>;
    type SerializeMap = Entries<'v, 'a>;
    type SerializeStruct = Entries<'v, 'a>;
    type SerializeStructVariant = Entries<'v, 'a>;

    skip! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        if self.in_quantity {
            (self.found)(&self.path, text);
        }
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.in_quantity = name == QUANTITY;
        let visited = value.serialize(&mut *self);
        self.in_quantity = false;
        visited
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.below(variant, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Entries<'v, 'a>, Error> {
        Entries::of(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Entries<'v, 'a>, Error> {
        Entries::of(self)
    }

    fn serialize_tuple_struct(self, _: &str, _: usize) -> Result<Entries<'v, 'a>, Error> {
        Entries::of(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &str,
        _: u32,
        _: &str,
        _: usize,
    ) -> Result<Entries<'v, 'a>, Error> {
        Entries::of(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'v, 'a>, Error> {
        Entries::of(self)
    }

    fn serialize_struct(self, _: &str, _: usize) -> Result<Entries<'v, 'a>, Error> {
        Entries::of(self)
    }

    fn serialize_struct_variant(
        self,
        _: &str,
        _: u32,
        _: &str,
        _: usize,
    ) -> Result<Entries<'v, 'a>, Error> {
        Entries::of(self)
    }
}

/// Lists and tuples, whose entries have numbers.
macro_rules! items {
    ($($trait:ident::$method:ident,)*) => {
        $(impl ser::$trait for Entries<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<(), Error> {
                Ok(())
            }
        })*
    };
}

items! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

/// Objects, whose entries have names.
macro_rules! fields {
    ($($trait:ident,)*) => {
        $(impl ser::$trait for Entries<'_, '_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.finder.below(name, value)
            }

            fn end(self) -> Result<(), Error> {
                Ok(())
            }
        })*
    };
}

fields! { SerializeStruct, SerializeStructVariant, }

impl ser::SerializeMap for Entries<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = match serde_json::to_value(key)? {
            Value::String(key) => key,
            other => other.to_string(),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = std::mem::take(&mut self.key);
        self.finder.below(&key, value)
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}
