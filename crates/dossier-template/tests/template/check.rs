//! What engineers are told about their templates.

use dossier_template::{
    Content, Finding, FindingKind, Severity, Template, check_source, limits, template_text,
};

/// All but that nothing of an answer is shown, which is so of many short examples.
fn findings(template: &str) -> Vec<Finding> {
    let mut found = Template::parse(template).unwrap().check(None);
    found.retain(|finding| finding.kind != FindingKind::ShowsNothing);
    found
}

fn with(template: &str, json: &str) -> Vec<Finding> {
    let content = Content::read_bare(json.as_bytes()).unwrap();
    Template::parse(template).unwrap().check(Some(&content))
}

/// `place kind` of each.
fn short(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|finding| format!("{} {:?}", finding.place, finding.kind))
        .collect()
}

#[test]
fn a_good_template_has_no_findings() {
    let template = r#"<h1 class="title">{{a}}</h1><table class="summary-list"><tr><td>A</td>
        <td>{{optionalValue b}}</td></tr></table><table class="data-table"><tr>
        <th class="data-column-50">B</th></tr></table><div style="page-break-before: always;"></div>
        {{{inlineAttachment i 1 2}}}<br/><style>.x > a { color: red }</style>"#;
    assert_eq!(findings(template), []);
}

#[test]
fn what_is_wrong_without_a_sample_is_found_in_place() {
    for (template, expected) in [
        ("{{{x}}}", vec!["1:1 Unescaped"]),
        ("a\n{{&x}}", vec!["2:1 Unescaped"]),
        ("{{inlineAttachment x}}", vec!["1:1 Unescaped"]),
        ("{{{inlineAttachmentContent x}}}", vec![]),
        ("<p class=\"title other\">", vec!["1:17 UnknownClass"]),
        (
            "<p class=' é  {{x}}\n b title c'>",
            vec!["1:12 UnknownClass", "2:2 UnknownClass", "2:10 UnknownClass"],
        ),
        ("<p class=\"data-column-101\">", vec!["1:11 UnknownClass"]),
        ("<p class=\"data-column-0\">", vec!["1:11 UnknownClass"]),
        ("<p class='{{x}}'>", vec![]),
        ("<p class='data-{{x}}'>", vec![]),
        ("<em>a</em>", vec!["1:1 TextOnly"]),
        (
            "<a href=\"https://x\">",
            vec!["1:1 TextOnly", "1:4 NeverInPdf"],
        ),
        (
            "<script>if (a <b) { <em> }</script>",
            vec!["1:1 NeverInPdf"],
        ),
        (
            "<link rel=x><iframe></iframe>",
            vec!["1:1 NeverInPdf", "1:13 NeverInPdf"],
        ),
        (
            "<object>a</object><audio>b</audio><form>c</form>",
            vec!["1:1 TextOnly", "1:19 TextOnly", "1:35 TextOnly"],
        ),
        ("<title>a</title><pre>b</pre>", vec!["1:1 NeverInPdf"]),
        ("<textarea><em></textarea><hr>", vec!["1:26 TextOnly"]),
        ("<{{x}}>", vec![]),
        (
            "<object data='//x'></object>",
            vec!["1:1 TextOnly", "1:9 NeverInPdf"],
        ),
        ("<p onclick=\"x()\">", vec!["1:4 NeverInPdf"]),
        ("<img src=\"http://x/y.png\">", vec!["1:6 NeverInPdf"]),
        ("<img src=\"{{{inlineAttachmentContent a}}}\">", vec![]),
        ("<!-- <em> -->", vec![]),
        (
            "<p {{#if x}}class=\"odd\"{{/if}}>",
            vec!["1:20 UnknownClass"],
        ),
        ("1 < 2 {{x}} <3", vec![]),
        ("{{eq x}}", vec!["1:3 Arguments"]),
        ("{{buildDate x y}}", vec!["1:3 Arguments"]),
        ("{{optionalValue x y z}}", vec!["1:3 Arguments"]),
        ("{{#if x y}}{{/if}}", vec!["1:1 Arguments"]),
        ("{{#each}}{{/each}}", vec!["1:1 Arguments"]),
        ("{{optionalValue x fallback=\"y\"}}", vec!["1:3 Arguments"]),
        ("{{#if x}}a{{else}}b{{else}}c{{/if}}", vec!["1:20 Else"]),
        ("{{#eq x y}}a{{/eq}}", vec!["1:1 HelperAsBlock"]),
        ("{{> p}}", vec!["1:1 NoSuchPartial"]),
        ("{{#> p}}a{{/p}}", vec![]),
        (
            "{{#if x}}{{> p}}{{/if}}{{#*inline \"p\"}}{{{y}}}{{/inline}}",
            vec!["1:40 Unescaped"],
        ),
    ] {
        assert_eq!(short(&findings(template)), expected, "{template}");
    }
}

#[test]
fn classes_are_found_whichever_way_blocks_go() {
    for (template, expected) in [
        ("<p class=\"{{#if x}}foo{{/if}}\">", vec!["1:20 foo"]),
        ("<p class=\"{{#if x}}title{{/if}}\">", vec![]),
        (
            "<p class=\"{{#if x}}foo{{else}}bar{{/if}} title\">",
            vec!["1:20 foo", "1:31 bar"],
        ),
        (
            "<p class=\"{{#each x}}title {{#if y}}\nfoo {{/if}}{{/each}}\">",
            vec!["2:1 foo"],
        ),
        (
            "<p class='data-column-{{#if x}}10{{else if y}}20{{else}}200{{/if}}'>",
            vec!["1:11 data-column-200"],
        ),
        (
            "<p class='title{{#unless x}}s{{/unless}}'>",
            vec!["1:11 titles"],
        ),
        (
            "<p class='{{^x}}é{{else}}b{{/x}}-c'>",
            vec!["1:17 é-c", "1:26 b-c"],
        ),
        ("<p class='foo{{! a comment }}'>", vec!["1:11 foo"]),
        (
            "<p class=foo{{#if x}}-b{{/if}}>",
            vec!["1:10 foo", "1:10 foo-b"],
        ),
        ("<p class='{{#if x}}foo{{/if}}{{y}}'>", vec![]),
        ("<p class='{{#if x}}{{y}}-foo{{/if}}'>", vec![]),
        ("<p class='{{#eq x y}}foo{{/eq}}'>", vec![]),
        (
            "{{#*inline 'p'}}<p class='foo'>{{x}}{{/inline}}<p class='{{> p}}'>",
            vec!["1:27 foo"],
        ),
        (
            "<p class='{{#if x}}foo'>{{else}}bar'>{{/if}}",
            vec!["1:20 foo"],
        ),
    ] {
        let found = findings(template);
        let found = found.iter().filter(|f| f.kind == FindingKind::UnknownClass);
        let classes: Vec<_> = found
            .map(|f| format!("{} {}", f.place, f.text.split('`').nth(1).unwrap()))
            .collect();
        assert_eq!(classes, expected, "{template}");
    }
}

#[test]
fn a_class_of_many_blocks_is_checked_in_time() {
    let blocks = "{{#if x}}foo{{else}}bar{{/if}}".repeat(10_000);
    let found = findings(&format!("<p class=\"{blocks} other\">"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].text.contains("`other`"), "{found:?}");
    let long = "é".repeat(100_000);
    let found = findings(&format!("<p class=\"{long}\">"));
    assert!(found[0].text.len() < 200 && found[0].text.contains("éé…`"));
}

#[test]
fn a_template_that_makes_nothing_of_any_answer_cannot_be_used() {
    for template in ["", " \n\t"] {
        let json = r#"{"a": 1}"#;
        for found in [of_source(template, None), of_source(template, Some(json))] {
            assert_eq!(short(&found), ["1:1 Empty"], "{template:?}");
            assert_eq!(found[0].severity(), Severity::Error);
        }
    }
}

#[test]
fn a_template_without_any_expression_is_a_warning() {
    for (template, shows) in [
        ("<html>login page</html>", false),
        ("\n{{! only a comment }}", false),
        ("{{#*inline 'p'}}{{x}}{{/inline}}a", false),
        ("{{#*inline 'p'}}a{{/inline}}{{> p}}", false),
        ("{{#*inline 'p'}}{{x}}{{/inline}}{{> p}}", true),
        ("{{#if x}}Yes{{/if}}", true),
        ("{{x}}", true),
    ] {
        let found = of_source(template, None);
        let told = found.iter().find(|f| f.kind == FindingKind::ShowsNothing);
        assert_eq!(told.is_none(), shows, "{template}");
        assert!(told.is_none_or(|found| found.severity() == Severity::Warning));
    }
}

#[test]
fn bytes_that_are_no_text_have_their_place() {
    assert_eq!(template_text("é {{x}}".as_bytes()), Ok("é {{x}}"));
    let bytes = [b"a\nb\n\xc3\xa9".as_slice(), b"\xff{{x}}"].concat();
    let found = template_text(&bytes).unwrap_err();
    assert_eq!(short(&[found]), ["3:2 NotATemplate"]);
}

#[test]
fn errors_and_warnings_can_be_told_apart() {
    assert_eq!(findings("{{> p}}")[0].severity(), Severity::Error);
    assert_eq!(findings("{{{x}}}")[0].severity(), Severity::Warning);
    let broken = check_source("{{#if x}}", None);
    assert_eq!(short(&broken), ["1:1 NotATemplate"]);
    assert_eq!(broken[0].severity(), Severity::Error);
    assert!(broken[0].text.contains("not closed"));
}

fn of_source(source: &str, json: Option<&str>) -> Vec<Finding> {
    let content = json.map(|json| Content::read_bare(json.as_bytes()).unwrap());
    check_source(source, content.as_ref())
}

#[test]
fn unknown_helpers_hide_nothing() {
    let found = of_source(
        "{{foo a}}\n{{bar b}} {{formatdate (baz c)}}\n{{{x}}} <p class=\"zzz\">{{> p}}",
        None,
    );
    let expected = [
        "1:3 UnknownHelper",
        "2:3 UnknownHelper",
        "2:13 UnknownHelper",
        "2:25 UnknownHelper",
        "3:1 Unescaped",
        "3:19 UnknownClass",
        "3:24 NoSuchPartial",
    ];
    assert_eq!(short(&found), expected);
    assert_eq!(found[0].severity(), Severity::Error);
    assert_eq!(found[0].text, "no helper is named `foo`");
    assert!(found[2].text.contains("`formatDate`"), "{found:?}");
}

#[test]
fn unknown_helpers_are_found_wherever_they_stand() {
    for (template, expected) in [
        ("{{#if (foo a)}}{{/if}}", vec!["1:8 UnknownHelper"]),
        (
            "{{#foo a}}{{{b}}}{{/foo}}",
            vec!["1:4 UnknownHelper", "1:11 Unescaped"],
        ),
        (
            "{{> p (foo a) x=(bar b)}}",
            vec![
                "1:1 NoSuchPartial",
                "1:8 UnknownHelper",
                "1:18 UnknownHelper",
            ],
        ),
        (
            "{{{{foo a}}}}{{{b}}}{{{{/foo}}}}",
            vec!["1:5 UnknownHelper"],
        ),
        (
            "{{#*inline \"p\"}}{{foo a}}{{/inline}}{{> p}}",
            vec!["1:19 UnknownHelper"],
        ),
        ("{{foo x=1}}", vec!["1:3 UnknownHelper"]),
    ] {
        assert_eq!(short(&of_source(template, None)), expected, "{template}");
        assert!(Template::parse(template).is_err(), "{template}");
    }
}

#[test]
fn what_is_no_template_hides_all_but_the_unknown_helpers_before_it() {
    let found = of_source("{{{x}}}{{foo a}}\n{{bar b,}}{{baz c}}", Some("{}"));
    assert_eq!(short(&found), ["1:10 UnknownHelper", "2:8 NotATemplate"]);
    let found = of_source("{{#if (foo a)}}\n{{bar b}}", None);
    let expected = ["1:1 NotATemplate", "1:8 UnknownHelper", "2:3 UnknownHelper"];
    assert_eq!(short(&found), expected);
}

#[test]
fn with_a_sample_an_unknown_helper_gives_what_it_is_given_first() {
    let json = r#"{"a": 1, "b": {"c": 2}, "d": [], "e": 3, "f": 4, "left": 5}"#;
    let found = of_source(
        "{{foo a e x=f}}{{#with (foo b)}}{{c}}{{z}}{{/with}}{{#foo d}}{{q}}{{/foo}}",
        Some(json),
    );
    let expected = [
        "1:1 NeverShown",
        "1:3 UnknownHelper",
        "1:25 UnknownHelper",
        "1:40 NotInSample",
        "1:55 UnknownHelper",
    ];
    assert_eq!(short(&found), expected);
    assert!(found[0].text.contains("`left`"), "{found:?}");
}

#[test]
fn of_endlessly_many_unknown_helpers_as_many_are_told_as_of_all_findings() {
    let template = "{{a_name_that_is_like_no_helper x}}".repeat(20_000);
    let found = of_source(&template, None);
    assert_eq!(found.len(), limits::FINDINGS_MAX);
}

#[test]
fn of_two_elses_only_the_last_is_shown_and_said_so() {
    let content = Content::read_bare(&b"{}"[..]).unwrap();
    let template = Template::parse("{{#if x}}a{{else}}b{{else}}c{{/if}}").unwrap();
    assert_eq!(template.render_to_string(&content).unwrap(), "c");
}

#[test]
fn paths_that_the_sample_lacks_are_found() {
    let json = r#"{"a": 1, "n": null, "l": [{"x": 1}, {"x": 2, "y": 3}], "e": []}"#;
    let found = with(
        "{{a}}{{b}}{{n}}{{#each l}}{{x}}{{y}}{{z}}{{/each}}{{#e}}{{q}}{{/e}}",
        json,
    );
    assert_eq!(short(&found), ["1:8 NotInSample", "1:39 NotInSample"]);
    assert!(found[0].text.contains("`b`") && found[1].text.contains("`z`"));
}

#[test]
fn data_that_is_never_shown_is_found_by_the_outermost_name() {
    let json = r#"{"a": 1, "o": {"p": 2, "q": {"r": "Secret"}}, "l": [{"x": 1, "y": "Secret"}],
        "empty": {"b": null, "c": "", "d": []}, "m": ["Secret"], "t": true}"#;
    let found = with("{{a}}{{o.p}}{{#each l}}{{x}}{{/each}}", json);
    let texts: Vec<_> = found.iter().map(|finding| finding.text.as_str()).collect();
    for (text, member) in texts.iter().zip(["`o.q`", "`l[].y`", "`m`", "`t`"]) {
        assert!(text.contains(member), "{texts:?}");
    }
    assert_eq!(found.len(), 4, "{texts:?}");
    assert!(found.iter().all(|f| f.kind == FindingKind::NeverShown));
    assert!(!texts.join("").contains("Secret"));
}

#[test]
fn what_is_printed_as_a_whole_or_through_a_helper_or_decides_is_shown() {
    let json = r#"{"a": {"b": [1, {"c": 2}]}, "d": "2024-05-01", "t": true, "k": "B", "s": "x"}"#;
    let template = "{{a}}{{optionalValue (formatDate d)}}{{#if t}}Yes{{else}}No{{/if}}\
                    {{#if (eq k \"B\")}}Type B{{/if}}{{#if s}}there{{/if}}";
    let found = with(template, json);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].text.contains("`s`"),
        "a text that decides is not shown by that"
    );
}

#[test]
fn partials_are_followed() {
    let template = r#"{{#*inline "row"}}{{label}}{{value}}{{/inline}}{{> row label="A" value=a}}"#;
    assert_eq!(with(template, r#"{"a": 1}"#), []);
}

#[test]
fn a_partial_has_to_be_defined_where_the_rendering_looks_for_it() {
    for (template, expected) in [
        (
            r#"{{#if a}}{{#*inline "p"}}A{{/inline}}{{/if}}{{> p}}"#,
            vec!["1:45 NoSuchPartial"],
        ),
        (
            r#"{{#if a}}{{> p}}{{#*inline "p"}}A{{/inline}}{{/if}}"#,
            vec![],
        ),
        (
            r#"{{#*inline "a"}}{{#*inline "b"}}B{{/inline}}{{/inline}}{{> a}}{{> b}}"#,
            vec!["1:63 NoSuchPartial"],
        ),
        // A partial knows what its caller knows.
        (
            r#"{{#*inline "a"}}{{> b}}{{/inline}}{{#if x}}{{#*inline "b"}}B{{/inline}}{{> a}}{{/if}}"#,
            vec![],
        ),
        (
            r#"{{#*inline "a"}}{{> b}}{{/inline}}{{#if x}}{{#*inline "b"}}B{{/inline}}{{/if}}{{> a}}"#,
            vec!["1:17 NoSuchPartial"],
        ),
        (
            r#"{{#*inline "t"}}{{#*inline "u"}}{{/inline}}{{#each c}}{{> t}}{{> u}}{{/each}}{{/inline}}{{> t}}"#,
            vec![],
        ),
        (
            r#"{{#*inline "p"}}{{> q}}{{/inline}}{{#> p}}{{#*inline "q"}}Q{{/inline}}{{/p}}"#,
            vec![],
        ),
        (
            r#"{{#*inline "p"}}{{#*inline "q"}}Q{{/inline}}{{> @partial-block}}{{/inline}}{{#> p}}{{> q}}{{/p}}"#,
            vec![],
        ),
        (
            r#"{{#*inline "p"}}{{> @partial-block}}{{/inline}}{{> p}}"#,
            vec!["1:17 NoSuchPartial"],
        ),
        (
            r#"{{#*inline "a"}}[{{> @partial-block}}]{{/inline}}{{#*inline "b"}}({{#> a}}{{> @partial-block}}{{/a}}){{/inline}}{{#> b}}x{{/b}}"#,
            vec![],
        ),
        // Which partials a computed name may lead to is not known.
        (
            r#"{{#*inline "a"}}{{> b}}{{> c}}{{/inline}}{{#if x}}{{#*inline "b"}}{{/inline}}{{> (lookup . "t")}}{{/if}}"#,
            vec!["1:24 NoSuchPartial"],
        ),
    ] {
        assert_eq!(short(&findings(template)), expected, "{template}");
    }
}

#[test]
fn a_template_of_partials_in_all_orders_is_checked_in_time() {
    let names = || (0..40).map(|number| format!("p{number}"));
    let calls: String = names().map(|name| format!("{{{{> {name}}}}}")).collect();
    let template: String = names()
        .map(|name| {
            format!("{{{{#*inline \"{name}\"}}}}{{{{#*inline \"x\"}}}}{{{{/inline}}}}{calls}{{{{/inline}}}}")
        })
        .collect();
    assert_eq!(findings(&(template + &calls)), []);
}

#[test]
fn a_sample_without_data_or_that_fails_is_said_so() {
    let none = with("{{x}}", "null");
    assert!(none[0].text.contains("no data"), "{none:?}");
    let json = r#"{"a": "Secret"}"#;
    let endless = "<p>{{a}}\n{{#*inline \"p\"}}{{> p}}{{/inline}}{{> p}}";
    let fails = with(endless, json);
    assert_eq!(short(&fails), ["2:17 CannotRender"]);
    assert!(!fails[0].text.contains("2:17"), "{fails:?}");
    assert!(!fails[0].text.contains("Secret"));
}

#[test]
fn an_outer_value_in_the_place_of_null_is_found() {
    let json = r#"{"date": "2024-05-01", "l": [{"date": null}, {"date": "2024-05-02"}]}"#;
    let found = with("{{date}}{{#each l}}{{formatDate date}}{{/each}}", json);
    assert_eq!(short(&found), ["1:33 TakenFromAround"]);
    assert!(found[0].text.contains("`this.date`") && !found[0].text.contains("2024"));
    assert_eq!(
        with("{{date}}{{#each l}}{{formatDate this.date}}{{/each}}", json),
        []
    );
}

#[test]
fn an_inline_attachment_of_the_sample_that_is_no_image_is_a_warning() {
    let json = br#"{"content": {"a": {"contentType": "text/html", "url": "secret"}}}"#;
    let content = Content::read(&json[..]).unwrap();
    let found = check_source(
        "\n <img src=\"{{{inlineAttachmentContent a}}}\"/>",
        Some(&content),
    );
    let kinds: Vec<_> = found.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::NotAnImage]);
    assert_eq!(found[0].place.to_string(), "2:12");
    assert_eq!(found[0].severity(), Severity::Warning);
    assert!(!found[0].text.contains("secret"));
}
