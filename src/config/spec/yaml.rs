//! Documents in YAML 1.2.2, by the events of the crate `saphyr-parser`.
//!
//! | YAML | here |
//! |---|---|
//! | plain scalars | null, booleans, integers and floats of the core schema (section 10.3.2), else text |
//! | `yes`, `no`, `on`, `off` | text that a boolean setting accepts: YAML 1.1, and so PyYAML, read them as booleans |
//! | anchors and aliases | the value is copied, with the alias's position |
//! | `<<` | merges tables, as in YAML 1.1; many `dictConfig` documents use it |
//! | tags `!!str`, `!!int` … | convert, or are an error if the scalar is not of that type |
//! | other tags, several documents | an error |
//!
//! # Limits
//!
//! Aliases make a small document large: ten aliases of ten aliases of ten … ("billion laughs"). Each alias counts as
//! many values as it stands for, and a document has 100,000 values at most. Nesting is limited to [`MOST_DEPTH`], so
//! that nothing that recurses over the tree exhausts a stack. The events are read in a loop with a list of open nodes.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::setting::{Content, Mapping, Setting, SettingName};
use super::text::MOST_DEPTH;
use crate::error::{Position, Problem};

/// Reads a document, or returns what is wrong with its syntax.
pub(super) fn parse(text: &str, source: &Arc<str>) -> Result<Setting, Vec<Problem>> {
    let mut reader = YamlReader { source: source.clone(), problems: Vec::new(), anchors: HashMap::new(), size: 0 };
    let document = reader.document(text);
    match document {
        Some(document) if reader.problems.is_empty() => Ok(document),
        _ => Err(reader.problems),
    }
}

/// The maximum number of values in a document, after aliases are replaced by what they stand for: ten aliases of ten
/// aliases of ten … are soon more than fit into memory.
const MOST_VALUES: usize = 100_000;

/// The booleans of YAML 1.1 that are text in YAML 1.2.
const WORDS: [&str; 4] = ["yes", "no", "on", "off"];

struct YamlReader {
    source: Arc<str>,
    problems: Vec<Problem>,
    anchors: HashMap<usize, (Setting, usize)>,
    /// How many values there are so far.
    size: usize,
}

/// A list or a table whose end has not come.
struct OpenNode {
    anchor: usize,
    position: Position,
    tag: Option<String>,
    /// How many values there were before it.
    before: usize,
    items: Items,
}

enum Items {
    List(Vec<Setting>),
    /// The entries, and the name whose value comes next.
    Table(Mapping, Option<SettingName>),
}

impl YamlReader {
    fn position(&self, mark: Marker) -> Position {
        Position::new(self.source.clone(), mark.line().max(1) as u32, mark.col() as u32 + 1)
    }

    fn complain(&mut self, position: Position, what: impl std::fmt::Display) {
        self.problems.push(Problem { position: Some(position), ..Problem::new("", "", what) });
    }

    /// Reads the only document of the text. The first mistake of syntax ends it.
    fn document(&mut self, text: &str) -> Option<Setting> {
        let mut parser = Parser::new_from_str(text);
        let mut open: Vec<OpenNode> = Vec::new();
        let mut document = None;
        let mut documents = 0;
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => {
                    let position = self.position(*error.marker());
                    self.complain(position, error.info());
                    return None;
                }
            };
            let position = self.position(span.start);
            let finished = match event {
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => continue,
                Event::StreamEnd => break,
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        self.complain(position, "a second document begins here; a configuration is one document");
                        return None;
                    }
                    continue;
                }
                Event::SequenceStart(anchor, tag) => {
                    let (tag, items) = (text_of(tag.as_deref()), Items::List(Vec::new()));
                    open.push(OpenNode { anchor, position, tag, before: self.size, items });
                    None
                }
                Event::MappingStart(anchor, tag) => {
                    let (tag, items) = (text_of(tag.as_deref()), Items::Table(Mapping::default(), None));
                    open.push(OpenNode { anchor, position, tag, before: self.size, items });
                    None
                }
                Event::SequenceEnd | Event::MappingEnd => open.pop().map(|open| self.close(open)),
                Event::Alias(anchor) => Some(match self.anchors.get(&anchor) {
                    Some((setting, size)) => {
                        // An alias costs as many values as it stands for.
                        self.size += size;
                        Setting { position: Some(position), ..setting.clone() }
                    }
                    None => {
                        self.complain(position.clone(), "this alias stands for a value that contains it");
                        Setting::at(Content::Null, position)
                    }
                }),
                Event::Scalar(text, style, anchor, tag) => {
                    let content = match text_of(tag.as_deref()) {
                        None if style == ScalarStyle::Plain => plain(&text),
                        None => Content::Text(text.into_owned()),
                        Some(tag) => self.tagged(&tag, &text, &position),
                    };
                    // PyYAML reads YAML 1.1, and so do many of its users.
                    let is_word = |text: &str| WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
                    let is_coerced =
                        style == ScalarStyle::Plain && matches!(&content, Content::Text(text) if is_word(text));
                    let setting = Setting { is_coerced, ..Setting::at(content, position) };
                    if anchor > 0 {
                        self.anchors.insert(anchor, (setting.clone(), 1));
                    }
                    Some(setting)
                }
            };
            if open.len() > MOST_DEPTH {
                let position = open.pop().map(|open| open.position);
                self.complain(position?, "the document is nested too deep");
                return None;
            }
            let Some(setting) = finished else { continue };
            self.size += 1;
            if self.size > MOST_VALUES {
                self.complain(setting.position?, "the document has too many values");
                return None;
            }
            match open.last_mut() {
                None => document = Some(setting),
                Some(OpenNode { items: Items::List(list), .. }) => list.push(setting),
                Some(OpenNode { items: Items::Table(table, name), .. }) => match name.take() {
                    Some(name) => table.0.push((name, setting)),
                    // In a mapping, events alternate: a name, then its value.
                    None => *name = Some(self.name(setting)),
                },
            }
        }
        document.or_else(|| {
            self.complain(Position::new(self.source.clone(), 1, 1), "the document is empty");
            None
        })
    }

    /// Makes the value of a list or a table whose end has come.
    fn close(&mut self, open: OpenNode) -> Setting {
        let OpenNode { anchor, position, tag, before, items } = open;
        if let Some(tag) = tag.filter(|tag| !matches!(tag.as_str(), "!!map" | "!!seq" | "!!omap")) {
            self.complain(position.clone(), format_args!("the tag {tag} has no meaning here"));
        }
        let content = match items {
            Items::List(list) => Content::List(list),
            Items::Table(table, _) => Content::Table(self.merged(table)),
        };
        let setting = Setting::at(content, position);
        if anchor > 0 {
            self.anchors.insert(anchor, (setting.clone(), self.size - before));
        }
        setting
    }

    /// Resolves `<<`, whose value is a table or a list of tables: their entries, unless the table has its own. A name
    /// that is there twice is a problem.
    fn merged(&mut self, table: Mapping) -> Mapping {
        let mut merged = Mapping::default();
        let mut under = Vec::new();
        for (name, setting) in table.0 {
            if name.text == "<<" {
                match setting.content {
                    Content::Table(table) => under.push(table),
                    Content::List(list) if list.iter().all(|item| matches!(item.content, Content::Table(_))) => {
                        under.extend(list.into_iter().filter_map(|item| match item.content {
                            Content::Table(table) => Some(table),
                            _ => None,
                        }));
                    }
                    _ => {
                        let position = setting.position.unwrap_or_else(|| Position::new(self.source.clone(), 1, 1));
                        self.complain(position, "`<<` merges a table, or a list of tables");
                    }
                }
            } else if let Some((first, _)) = merged.0.iter().find(|(known, _): &&(SettingName, _)| *known == name) {
                let line = first.position.as_ref().and_then(Position::line).unwrap_or_default();
                let what = format!("{:?} is also on line {line}", name.text);
                let position = name.position.clone().unwrap_or_else(|| Position::new(self.source.clone(), 1, 1));
                self.complain(position, what);
            } else {
                merged.0.push((name, setting));
            }
        }
        // Of several tables, the first that has a name counts, as the merge key's specification says.
        for (name, setting) in under.into_iter().flat_map(|table| table.0) {
            if !merged.0.iter().any(|(known, _)| *known == name) {
                merged.0.push((name, setting));
            }
        }
        merged
    }

    fn name(&mut self, setting: Setting) -> SettingName {
        let text = match setting.content {
            Content::Text(text) => text,
            Content::Integer(number) => number.to_string(),
            Content::Bool(value) => value.to_string(),
            Content::Null => "null".to_owned(),
            _ => {
                if let Some(position) = setting.position.clone() {
                    self.complain(position, "the name of a setting is text");
                }
                String::new()
            }
        };
        SettingName { text, position: setting.position }
    }

    /// Makes the value of a scalar that has a tag.
    fn tagged(&mut self, tag: &str, text: &str, position: &Position) -> Content {
        let content = plain(text);
        match (tag, content) {
            ("!!str" | "!", _) => return Content::Text(text.to_owned()),
            ("!!int", content @ Content::Integer(_))
            | ("!!float", content @ Content::Float(_))
            | ("!!bool", content @ Content::Bool(_))
            | ("!!null", content @ Content::Null) => return content,
            ("!!float", Content::Integer(number)) => return Content::Float(number as f64),
            ("!!int" | "!!float" | "!!bool" | "!!null", _) => {
                self.complain(position.clone(), format_args!("this is no value of the type {tag}"));
            }
            _ => self.complain(position.clone(), format_args!("the tag {tag} has no meaning here")),
        }
        Content::Text(text.to_owned())
    }
}

/// Writes a tag as documents do: `!!str`, `!mine`.
fn text_of(tag: Option<&Tag>) -> Option<String> {
    tag.map(|tag| {
        if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { format!("{}{}", tag.handle, tag.suffix) }
    })
}

/// Resolves a plain scalar by YAML's core schema (YAML 1.2.2, section 10.3.2).
fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Content::Null,
        "true" | "True" | "TRUE" => return Content::Bool(true),
        "false" | "False" | "FALSE" => return Content::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Content::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Content::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Content::Float(f64::NAN),
        _ => {}
    }
    let radix = |prefix: &str, radix| {
        let digits = text.strip_prefix(prefix).filter(|digits| !digits.starts_with(['+', '-']))?;
        i128::from_str_radix(digits, radix).ok()
    };
    if let Some(number) = radix("0o", 8).or_else(|| radix("0x", 16)) {
        return Content::Integer(number);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && text.bytes().any(|byte| byte.is_ascii_digit());
    match (is_number, text.parse::<i128>(), text.parse::<f64>()) {
        (true, Ok(number), _) => Content::Integer(number),
        (true, _, Ok(number)) => Content::Float(number),
        _ => Content::Text(text.to_owned()),
    }
}
