//! Tables in the HTML that a template makes.

use crate::attached::fixture;
use crate::sections::base64;
use crate::structure::{Element, section};
use crate::support::{drawn, folded, inner, written_html};

#[test]
fn a_summary_list_is_rows_of_names_and_values() {
    let report = written_html(
        "<table class='summary-list'><tr><td>Name</td><td>Ada</td></tr>\
         <tr><th>Born</th><td>1815</td></tr><tr><td>Empty</td><td></td></tr></table>",
    );
    report.assert_shows("Name Ada Born 1815 Empty");
    let root = Element::root(&report);
    let [table] = section(&root).all("Table")[..] else {
        panic!("{root:?}");
    };
    assert_eq!(table.roles(), ["TR", "TR", "TR"]);
    assert_eq!(table.kids[0].roles(), ["TH", "TD"]);
    assert_eq!(table.kids[0].kids[0].scope.as_deref(), Some("/Row"));
    let share = (report.word("Ada").left - report.word("Name").left) / 487.0;
    assert!((0.28..0.32).contains(&share), "{share}");
}

#[test]
fn a_data_tables_header_is_on_every_page_and_read_once() {
    let rows: String = (0..150)
        .map(|n| format!("<tr><td>r{n}</td><td>x</td></tr>"))
        .collect();
    let report = written_html(&format!(
        "<table class='data-table'><tr><td>Code</td><td>Comment</td></tr>{rows}</table>"
    ));
    let pages = report.pages();
    let pages = &pages[3..pages.len() - 1];
    assert!(pages.len() > 3);
    for page in &pages[1..] {
        assert!(inner(page).starts_with("Code Comment"), "{page}");
    }
    let root = Element::root(&report);
    let [table] = section(&root).all("Table")[..] else {
        panic!("{root:?}");
    };
    assert_eq!(table.all("THead").len(), 1);
    assert!(
        table
            .all("TH")
            .iter()
            .all(|cell| cell.scope.as_deref() == Some("/Column"))
    );
    assert_eq!(table.all("TH").len(), 2);
}

#[test]
fn cells_of_a_data_table_keep_their_line_breaks() {
    let table = |class: &str| {
        written_html(&format!(
            "<table class='{class}'><tr><th>a</th><th>b</th></tr>\
             <tr><td>first\n   second\nthird</td><td>x</td></tr></table>"
        ))
    };
    let report = table("data-table");
    assert!(report.word("first").top < report.word("second").top);
    assert!(report.word("second").top < report.word("third").top);
    let report = table("other");
    assert_eq!(report.word("first").top, report.word("second").top);
}

#[test]
fn columns_take_the_percent_that_their_classes_say() {
    let report = written_html(
        "<table class='data-table'><tr><th class='data-column-7'>A</th>\
         <th class='data-column-63'>B</th><th>C</th></tr><tr><td>1</td><td>2</td><td>3</td></tr></table>",
    );
    // The width without the two gaps of 12 points between columns.
    let width = 487.28 - 24.0;
    let left = |word: &str| report.word(word).left;
    assert!((left("B") - left("A") - 12.0 - width * 0.07).abs() < 1.5);
    assert!((left("C") - left("B") - 12.0 - width * 0.63).abs() < 1.5);
}

#[test]
fn cells_span_columns_and_rows() {
    let report = written_html(
        "<table class='data-table'><tr><th>Who</th><th colspan=2>Amounts</th></tr>\
         <tr><td rowspan=2>Ada</td><td>one</td><td>two</td></tr><tr><td>three</td><td>four</td></tr>\
         <tr><td colspan=3>wide</td></tr><tr><td>a</td><td>b</td><td>c</td></tr></table>",
    );
    report.assert_shows("Who Amounts Ada one two three four wide a b c");
    assert_eq!(report.word("one").left, report.word("three").left);
    let root = Element::root(&report);
    let rows = section(&root).all("TR");
    for row in &rows {
        let columns: i64 = row.kids.iter().map(|cell| cell.span.unwrap_or(1)).sum();
        assert_eq!(columns, 3, "{row:?}");
    }
    report.assert_accessible();
}

#[test]
fn a_plain_table_is_what_its_cells_make_it() {
    let roles = |html: &str| -> Vec<String> {
        let report = written_html(html);
        let root = Element::root(&report);
        let roles = section(&root).roles();
        roles.into_iter().map(str::to_owned).collect()
    };
    let header = "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>";
    let report = written_html(header);
    assert_eq!(Element::root(&report).all("THead").len(), 1);
    let names = "<table><tr><td><b>a</b></td><td>1</td></tr><tr><th>b</th><td>2</td></tr></table>";
    let root = Element::root(&written_html(names));
    assert_eq!(section(&root).all("Table")[0].roles(), ["TR", "TR"]);
    let places = "<table><tr><td>only</td></tr><tr><td>texts</td></tr></table>";
    assert_eq!(roles(places), ["H1", "P", "P"]);
    let bare = "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>";
    let report = written_html(bare);
    assert_eq!(Element::root(&report).all("THead").len(), 0);
    report.assert_accessible();
}

#[test]
fn a_table_in_a_cell_is_shown_below_its_row_under_the_columns_name() {
    let report = written_html(
        "<table class='data-table'><tr><th>Who</th><th>Visits</th><th>Last</th></tr>\
         <tr><td>Ada</td><td>two<table class='data-table'><tr><td>Day</td></tr><tr><td>Mon</td></tr>\
         </table>behind</td><td>end</td></tr><tr><td>Bob</td><td>none</td><td>x</td></tr></table>",
    );
    report.assert_shows(
        "Who Visits Last Ada two Visits Day Mon behind Who Visits Last end Bob none x",
    );
    assert!(report.word("Day").left > report.word("Who").left);
    report.assert_accessible();
}

#[test]
fn a_picture_in_a_cell_is_shown_below_its_row_with_whose_it_is() {
    let picture = base64(&fixture("rgb.png"));
    let report = written_html(&format!(
        "<table class='data-table'><tr><th>Who</th><th>Photo</th></tr>\
         <tr><td>Ada</td><td><img src='data:image/png;base64,{picture}'></td></tr>\
         <tr><td>Bob</td><td>none</td></tr></table>"
    ));
    report.assert_shows("Who Photo Ada Photo Who Photo Bob none");
    assert_eq!(drawn(&report.path()), 1);
    report.assert_accessible();
}

#[test]
fn a_cell_longer_than_a_page_runs_over_pages() {
    let words: String = (0..3_000).map(|n| format!("w{n} ")).collect();
    let report = written_html(&format!(
        "<table class='data-table'><tr><th>a</th><th>b</th></tr><tr><td>{words}</td><td>x</td></tr></table>"
    ));
    report.assert_shows("w2998");
    let root = Element::root(&report);
    let cell = section(&root).all("TD")[0];
    assert!(cell.marks.len() > 2);
}

#[test]
fn a_cell_longer_than_what_is_held_goes_on_below_its_row() {
    let words: String = (0..60_000).map(|n| format!("w{n} ")).collect();
    let report = written_html(&format!(
        "<table class='data-table'><tr><th>a</th><th>b</th></tr><tr><td>{words}</td><td>last</td></tr></table>"
    ));
    let body = folded(&report.body());
    let expected: String = folded(&words);
    let shown: String = body.replace("ab", "").replace("a", "");
    assert!(shown.contains(&expected[expected.len() - 1_000..]));
    for n in (0..60_000).step_by(997) {
        assert!(body.contains(&format!("w{n}")), "w{n}");
    }
    report.assert_shows("last");
}

#[test]
fn a_table_with_too_many_columns_has_a_name_for_every_value() {
    let head: String = (0..30).map(|n| format!("<th>Name {n}</th>")).collect();
    let row: String = (0..31).map(|n| format!("<td>value{n}</td>")).collect();
    let report = written_html(&format!(
        "<table class='data-table'><tr>{head}</tr><tr>{row}</tr><tr>{row}</tr></table>"
    ));
    report.assert_shows("Row 1 Name 0 value0 Name 1 value1");
    report.assert_shows("Column 31 value30 Row 2 Name 0 value0");
}
