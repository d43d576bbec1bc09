//! Field tables: the fields of a published type.

/// A published type: its name in the XSD and its fields, in the order they are written.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    pub doc: &'static str,
    pub fields: &'static [Field],
}

impl Shape {
    /// A shape with at most 64 fields. A reader uses one bit of a `u64` for each field to detect repeated fields.
    pub(crate) const fn new(
        name: &'static str,
        doc: &'static str,
        fields: &'static [Field],
    ) -> Self {
        assert!(fields.len() <= 64, "a shape has at most 64 fields");
        Self { name, doc, fields }
    }

    /// The field of this name or alias, and its position in the table.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(usize, &'static Field)> {
        let mut fields = self.fields.iter().enumerate();
        fields.find(|(_, field)| field.name == name || field.alias == Some(name))
    }

    /// The position of the field of this name in the table.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The name of the field at this position of the table; empty past its end.
    #[must_use]
    pub fn name_at(&self, position: usize) -> &'static str {
        self.fields.get(position).map_or("", |field| field.name)
    }

    /// The position of the field that identifies a value of this type; `None` for a type whose values have no identity.
    #[must_use]
    pub fn id(&self) -> Option<usize> {
        self.fields.iter().position(|field| field.is_id)
    }

    /// The position of the field with this role in a request.
    #[must_use]
    pub fn role(&self, role: Role) -> Option<usize> {
        self.fields.iter().position(|f| f.role == Some(role))
    }

    /// The first field whose values have an identity; `None` in answers without such a field.
    #[must_use]
    pub fn payload(&self) -> Option<Payload> {
        self.fields
            .iter()
            .enumerate()
            .find_map(|(position, field)| {
                let kind = (field.kind)();
                let (is_list, kind) = match kind {
                    Kind::List(entry) => (true, entry()),
                    kind => (false, kind),
                };
                match kind {
                    Kind::Shape(shape) if shape.id().is_some() => Some(Payload {
                        position,
                        is_list,
                        shape,
                    }),
                    _ => None,
                }
            })
    }
}

/// The field of an answer with the result of the operation.
#[derive(Debug, Clone, Copy)]
pub struct Payload {
    /// The position of the field.
    pub position: usize,
    pub is_list: bool,
    /// The type of the value or of each entry.
    pub shape: &'static Shape,
}

/// The form of a list in XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListForm {
    /// The element is repeated for each entry.
    Flat,
    /// One element holds an element for each entry; an empty list has no element.
    Wrapped,
    /// Like `Wrapped`, but an empty list has an empty element, like `<messages/>`.
    Always,
}

/// The meaning of a null or an empty text in JSON. In XML an empty text element counts as absent, because generated
/// clients send empty elements for fields that are not set. An empty list is a value in both formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emptiness {
    /// The field counts as absent.
    Absent,
    /// The field clears the stored value.
    Clears,
    /// The field is present, and its operation refuses to clear the stored value.
    Refused,
}

/// One row of a field table.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    /// Another name of the field, which is read and never written.
    pub alias: Option<&'static str>,
    /// The form in which a list is written.
    pub form: ListForm,
    /// The element name of one entry inside a wrapper.
    pub item: &'static str,
    /// The longest text, in characters.
    pub max: u32,
    pub required: bool,
    pub emptiness: Emptiness,
    /// Whether the field identifies the value, like the user name of a user.
    pub is_id: bool,
    /// The role of the field in a request.
    pub role: Option<Role>,
    pub doc: &'static str,
    pub kind: fn() -> Kind,
}

impl Field {
    /// An optional field.
    pub(crate) const fn new(name: &'static str, doc: &'static str, kind: fn() -> Kind) -> Self {
        Self {
            name,
            alias: None,
            form: ListForm::Flat,
            item: "",
            max: 0,
            required: false,
            emptiness: Emptiness::Absent,
            is_id: false,
            role: None,
            doc,
            kind,
        }
    }

    pub(crate) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    pub(crate) const fn item(mut self, item: &'static str) -> Self {
        self.item = item;
        self
    }

    pub(crate) const fn wrapped(mut self) -> Self {
        self.form = ListForm::Wrapped;
        self
    }

    pub(crate) const fn always(mut self) -> Self {
        self.form = ListForm::Always;
        self
    }

    pub(crate) const fn max(mut self, characters: u32) -> Self {
        self.max = characters;
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn clears(mut self) -> Self {
        self.emptiness = Emptiness::Clears;
        self
    }

    pub(crate) const fn never_empty(mut self) -> Self {
        self.emptiness = Emptiness::Refused;
        self
    }

    pub(crate) const fn id(mut self) -> Self {
        self.is_id = true;
        self
    }

    pub(crate) const fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }
}

/// The claims that a request makes about its caller and its subject, before they are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The meta data that names the client and the user.
    Meta,
    /// The user that the request is about.
    Subject,
    /// The caller's token.
    Authorization,
    /// The application that calls.
    Application,
    /// The secret of that application.
    ApplicationSecret,
}

/// The published kind of a value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Text,
    Number,
    Boolean,
    /// A list of entries of this kind.
    List(fn() -> Kind),
    Shape(&'static Shape),
    /// One of the codes of a response status.
    Status,
}
