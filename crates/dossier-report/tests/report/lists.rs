//! Lists in the HTML that a template makes.

use crate::structure::{Element, section};
use crate::support::written_html;

#[test]
fn a_list_in_an_item_lies_in_that_items_body() {
    let report =
        written_html("<ul><li>one<ol start=7><li>seven</li></ol>after</li><li>two</li></ul>");
    report.assert_shows("• one 7. seven after • two");
    let root = Element::root(&report);
    let [outer, inner] = section(&root).all("L")[..] else {
        panic!("{root:?}");
    };
    assert_eq!(outer.numbering.as_deref(), Some("/Disc"));
    assert_eq!(inner.numbering.as_deref(), Some("/Decimal"));
    assert_eq!(outer.roles(), ["LI", "LI"]);
    assert_eq!(outer.kids[0].roles(), ["Lbl", "LBody"]);
    assert_eq!(outer.kids[0].kids[1].roles(), ["P", "L", "P"]);
    assert_eq!(inner.kids[0].roles(), ["Lbl", "LBody"]);
}

#[test]
fn deeper_items_stand_further_right_and_texts_right_of_their_markers() {
    let report =
        written_html("<ul><li>first<ul><li>second<ul><li>third</li></ul></li></ul></li></ul>");
    let left = |word: &str| report.word(word).left;
    assert!(left("•") < left("first"));
    assert!(left("first") < left("second") && left("second") < left("third"));
    assert_eq!(
        report.word("•").top.round(),
        report.word("first").top.round()
    );
}

#[test]
fn an_item_whose_first_content_is_no_text_has_its_marker_before_it() {
    let report = written_html(
        "<ol><li><table class=summary-list><tr><td>name</td><td>value</td></tr></table></li>\
         <li><ul><li>inner</li></ul></li><li></li><li>last</li></ol>",
    );
    report.assert_shows("1. name value 2. – inner 4. last");
    report.assert_accessible();
}

#[test]
fn text_between_items_and_items_outside_of_lists_are_kept() {
    let report = written_html("<ul>before<li>one</li>between<li>two</li></ul><li>alone</li>");
    report.assert_shows("before • one between • two • alone");
    let root = Element::root(&report);
    section(&root).each(&mut |element| {
        if element.role == "L" {
            assert!(
                element.kids.iter().all(|kid| kid.role == "LI"),
                "{element:?}"
            );
        }
    });
}

#[test]
fn a_long_list_is_cut_into_lists_that_no_element_grows() {
    let items: String = (0..1_500).map(|n| format!("<li>item {n}")).collect();
    let root = Element::root(&written_html(&format!("<ul>{items}</ul>")));
    let lists = section(&root).all("L");
    assert!(lists.iter().all(|list| list.kids.len() <= 512));
    assert_eq!(section(&root).all("LI").len(), 1_500);
}

#[test]
fn a_list_in_a_cell_is_lines_of_its_text() {
    let report = written_html(
        "<table class=data-table><tr><td>Name</td><td>Tags</td></tr>\
         <tr><td>Ada</td><td><ul><li>one<li>two<ol><li>deep</ol></ul></td></tr></table>",
    );
    report.assert_shows("Name Tags Ada • one • two 1. deep");
    assert!(report.word("one").top < report.word("two").top);
}

#[test]
fn a_number_too_wide_for_its_place_stands_above_its_text() {
    let report = written_html("<ol start=123456789><li>text</li></ol>");
    report.assert_shows("123456789. text");
    assert!(report.word("123456789.").top < report.word("text").top);
}
