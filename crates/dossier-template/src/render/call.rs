use std::borrow::Cow;

use super::Renderer;
use crate::helper::{
    DatePart, Helper, NO_DATA_HELD, format_list, joined_date, split_camel_case, yes_or_no,
};
use crate::syntax::Call;
use crate::value::{Seen, Value, whole_part};
use crate::{RenderError, format_date};

/// The first arguments of a call, as many as any helper looks at; the ones that are not given are
/// null.
#[derive(Default)]
pub(super) struct Arguments<'a>([Value<'a>; 3]);

impl<'a> Arguments<'a> {
    /// An argument, which is null from then on.
    pub fn take(&mut self, at: usize) -> Value<'a> {
        self.0.get_mut(at).map(std::mem::take).unwrap_or_default()
    }
}

impl<'a> Renderer<'a, '_> {
    pub(super) fn arguments(&mut self, call: &'a Call) -> Result<Arguments<'a>, RenderError> {
        let mut arguments = Arguments::default();
        for (at, expression) in call.arguments.iter().enumerate() {
            let value = self.value(expression)?;
            if call.helper != Helper::Lookup {
                self.observe_shown(&value);
            }
            if let Some(argument) = arguments.0.get_mut(at) {
                *argument = value;
            }
        }
        // A helper without arguments is about the context.
        if call.arguments.is_empty()
            && let Some(frame) = self.frames.last()
        {
            arguments.0[0] = frame.model.clone();
            self.count_bytes(arguments.0[0].owned_bytes())?;
        }
        Ok(arguments)
    }

    /// What a helper makes of its arguments. It fails for nothing but limits and inline images.
    pub(super) fn call(&mut self, call: &'a Call) -> Result<Value<'a>, RenderError> {
        self.count(1)?;
        if call.helper.is_inline_image() {
            return self.image_text(call);
        }
        let mut arguments = self.arguments(call)?;
        let first = arguments.take(0);
        match call.helper {
            Helper::OptionalValue => match first.is_empty(self.tree) {
                true => Ok(fallback(arguments.take(1), self)),
                false => Ok(first),
            },
            // Not blank, which is seen without reading all of it.
            Helper::OptionalString if first.begins_visibly(self.tree) => Ok(first),
            Helper::OptionalString => {
                let text = self.text(&first)?;
                match text.trim().is_empty() {
                    true => Ok(fallback(arguments.take(1), self)),
                    false => Ok(Value::Text(text)),
                }
            }
            Helper::FormatDate => self.format_date(first),
            Helper::GetIndexPlusOne => {
                self.count(first.reading_steps(self.tree))?;
                Ok(self.plus_one(first))
            }
            Helper::GetPrisonName => {
                self.named(&first, str::is_empty, |names, id| names.prison_name(id))
            }
            Helper::GetUserLastName => {
                self.named(&first, is_blank, |names, user| names.user_last_name(user))
            }
            Helper::GetLocationNameByDpsId => {
                self.named(&first, is_blank, |names, id| names.location_by_dps_id(id))
            }
            Helper::GetLocationNameByNomisId => self.named(
                &first,
                |_| false,
                |names, id| names.location_by_nomis_id(id),
            ),
            Helper::ConvertBoolean => {
                self.count(first.reading_steps(self.tree))?;
                Ok(match first.seen(self.tree) {
                    Seen::Null => Value::borrowed(NO_DATA_HELD),
                    Seen::Bool(true) => Value::borrowed("Yes"),
                    Seen::Bool(false) => Value::borrowed("No"),
                    Seen::Number(text) | Seen::Text(text) => {
                        yes_or_no(&text).map_or(first, Value::borrowed)
                    }
                    Seen::List | Seen::Object => first,
                })
            }
            Helper::BuildDate | Helper::BuildDateNumber => {
                self.build_date(call, [first, arguments.take(1), arguments.take(2)])
            }
            Helper::Eq => {
                let second = arguments.take(1);
                let nulls = [&first, &second].map(|value| value.is_null(self.tree));
                Ok(Value::Bool(match nulls {
                    [false, false] => self.text(&first)? == self.text(&second)?,
                    [first, second] => first == second,
                }))
            }
            Helper::ConvertCamelCase => {
                let text = self.text(&first)?;
                Ok(match text.as_ref() {
                    "" => Value::borrowed(NO_DATA_HELD),
                    spaced if spaced.contains(' ') => Value::Text(text),
                    text => Value::owned(split_camel_case(text)),
                })
            }
            Helper::Lookup => {
                let second = arguments.take(1);
                let name = self.text(&second)?;
                let mut scope = crate::context::Scope {
                    tree: self.tree,
                    frames: &self.frames,
                    steps: 0,
                };
                let value = scope.lookup(&first, &name);
                let steps = scope.steps;
                self.count(steps)?;
                Ok(value)
            }
            // Done above.
            Helper::InlineAttachment | Helper::InlineAttachmentContent => Ok(Value::Null),
        }
    }

    fn format_date(&mut self, value: Value<'a>) -> Result<Value<'a>, RenderError> {
        if let Some(list) = value.nested(self.tree).filter(|_| value.is_list(self.tree)) {
            let mut numbers = Vec::new();
            let mut next = self.tree.first(list);
            while let Some(node) = next {
                self.count(Value::Node(node).reading_steps(self.tree))?;
                let (Seen::Number(number) | Seen::Text(number)) = Value::Node(node).seen(self.tree)
                else {
                    break;
                };
                numbers.push(number.into_owned());
                next = self.tree.next(node);
            }
            self.count(numbers.len() as u64)?;
            if next.is_none()
                && numbers.iter().all(|number| whole_part(number).is_some())
                && let Some(date) = format_list(&numbers)
            {
                return Ok(Value::owned(date));
            }
        }
        let text = self.text(&value)?;
        Ok(match format_date(&text) {
            Some(date) => Value::owned(date),
            None => Value::Text(text),
        })
    }

    fn plus_one(&self, value: Value<'a>) -> Value<'a> {
        let text = match value.seen(self.tree) {
            Seen::Number(text) | Seen::Text(text) => text,
            _ => return value,
        };
        if let Some(number) = text.parse::<i64>().ok().and_then(|n| n.checked_add(1)) {
            return Value::Whole(number);
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() && text.contains('.') => Value::Double(number + 1.0),
            _ => value,
        }
    }

    /// The name of a code from reference data, else the code.
    fn named(
        &mut self,
        value: &Value<'a>,
        is_nothing: impl Fn(&str) -> bool,
        name: impl Fn(&'a dyn crate::ReferenceData, &str) -> Option<Cow<'a, str>>,
    ) -> Result<Value<'a>, RenderError> {
        if value.is_null(self.tree) {
            return Ok(Value::borrowed(NO_DATA_HELD));
        }
        let code = self.text(value)?;
        if is_nothing(&code) {
            return Ok(Value::borrowed(NO_DATA_HELD));
        }
        let name = name(self.reference, &code);
        Ok(Value::Text(name.unwrap_or(code)))
    }

    fn build_date(
        &mut self,
        call: &'a Call,
        arguments: [Value<'a>; 3],
    ) -> Result<Value<'a>, RenderError> {
        let mut parts =
            [DatePart::Year, DatePart::Month, DatePart::Day].map(|part| (part, Cow::Borrowed("")));
        for ((_, text), argument) in parts.iter_mut().zip(&arguments) {
            *text = self.text(argument)?;
            if is_blank(text) {
                return Ok(Value::borrowed(NO_DATA_HELD));
            }
            let whole = whole_part(text).filter(|_| call.helper == Helper::BuildDateNumber);
            if let Some(whole) = whole {
                *text = Cow::Owned(whole.to_string());
            }
        }
        let parts = parts.each_ref().map(|(part, text)| (*part, text.as_ref()));
        Ok(Value::owned(joined_date(parts)))
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn fallback<'a>(value: Value<'a>, renderer: &Renderer<'a, '_>) -> Value<'a> {
    match value.is_null(renderer.tree) {
        true => Value::borrowed(NO_DATA_HELD),
        false => value,
    }
}
