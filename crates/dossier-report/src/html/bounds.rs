use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};

use super::tree::{Handle, Tree};
use crate::limits::{HTML_ATTRIBUTE_BYTES_MAX, HTML_DEPTH_MAX};

/// Stands between the tokenizer and the tree, so that neither nesting nor attributes can make the
/// tree's work grow faster than the text: elements that lie too deep are left out with their
/// content kept, and of the attributes only those pass that mean something here.
pub(super) struct Bounded {
    builder: TreeBuilder<Handle, Tree>,
    /// Elements that were left out and have not ended.
    left_out: std::cell::Cell<usize>,
}

impl Bounded {
    pub fn new(tree: Tree) -> Self {
        let options = TreeBuilderOpts {
            scripting_enabled: false,
            drop_doctype: true,
            ..TreeBuilderOpts::default()
        };
        Self {
            builder: TreeBuilder::new(tree, options),
            left_out: std::cell::Cell::new(0),
        }
    }

    pub fn tree(&self) -> &Tree {
        &self.builder.sink
    }

    /// Whether a tag is to be left out.
    fn leaves_out(&self, tag: &Tag) -> bool {
        if is_frame(tag) {
            return true;
        }
        if is_raw(tag) || tag.self_closing {
            return false;
        }
        match tag.kind {
            TagKind::StartTag if self.tree().depth() >= HTML_DEPTH_MAX => {
                self.left_out.set(self.left_out.get() + 1);
                true
            }
            TagKind::EndTag if self.left_out.get() > 0 => {
                self.left_out.set(self.left_out.get() - 1);
                true
            }
            _ => false,
        }
    }
}

impl TokenSink for Bounded {
    type Handle = Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Handle> {
        let token = match token {
            // Nobody is told of them, and a text can have one a byte.
            Token::ParseError(_) | Token::CommentToken(_) => return TokenSinkResult::Continue,
            Token::TagToken(tag) if self.leaves_out(&tag) => {
                // Words that an element parts stay two words.
                Token::CharacterTokens(StrTendril::from_slice(" "))
            }
            Token::TagToken(mut tag) => {
                if tag.kind == TagKind::StartTag {
                    keep_meant_attributes(&mut tag);
                    self.tree().self_closing.set(tag.self_closing);
                }
                Token::TagToken(tag)
            }
            other => other,
        };
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder
            .adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// A parser drops all text behind the beginning of a frameset.
fn is_frame(tag: &Tag) -> bool {
    matches!(&*tag.name, "frameset" | "frame")
}

/// Elements without elements inside, whose text the tokenizer reads in ways of their own.
fn is_raw(tag: &Tag) -> bool {
    matches!(
        &*tag.name,
        "iframe"
            | "noembed"
            | "noframes"
            | "noscript"
            | "plaintext"
            | "script"
            | "style"
            | "textarea"
            | "title"
            | "xmp"
    )
}

/// Elements that a parser opens again and again where they are misnested, each time with their
/// attributes; alike they are opened at most three times.
fn is_formatting(tag: &Tag) -> bool {
    matches!(
        &*tag.name,
        "a" | "b"
            | "big"
            | "code"
            | "em"
            | "font"
            | "i"
            | "nobr"
            | "s"
            | "small"
            | "strike"
            | "strong"
            | "tt"
            | "u"
    )
}

fn keep_meant_attributes(tag: &mut Tag) {
    if is_formatting(tag) {
        let link = &*tag.name == "a";
        // Of links only the last is opened again, so that the attribute does not make many of it.
        tag.attrs.retain(|attribute| {
            link && &*attribute.name.local == "href"
                && attribute.value.len() <= HTML_ATTRIBUTE_BYTES_MAX
        });
        return;
    }
    tag.attrs.retain(|attribute| match &*attribute.name.local {
        "src" | "alt" | "value" => true,
        "class" | "style" | "colspan" | "rowspan" | "width" | "height" | "start" | "type" => {
            attribute.value.len() <= HTML_ATTRIBUTE_BYTES_MAX
        }
        _ => false,
    });
}
