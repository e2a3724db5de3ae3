use super::agree;

#[test]
fn a_value_is_escaped_with_any_white_space_around_its_name() {
    agree(&[
        (
            "{{v}}|{{ v }}|{{  v  }}|{{\tv\n}}",
            r#"{"v": "a&b"}"#,
            "a&amp;b|a&amp;b|a&amp;b|a&amp;b",
        ),
        (
            "{{v}}",
            r#"{"v": "<p class=\"x\">it's `a` = b & c</p>"}"#,
            "&lt;p class&#x3D;&quot;x&quot;&gt;it&#x27;s &#x60;a&#x60; &#x3D; b &amp; c&lt;/p&gt;",
        ),
        (
            "{{v}}",
            r#"{"v": "&amp; &#39; &nbsp;"}"#,
            "&amp;amp; &amp;#39; &amp;nbsp;",
        ),
        (
            "{{v}}",
            r#"{"v": "/ \\ { } [ ] ( ) + - * % $ # @ ! ? : ; , . ~ ^ _ |"}"#,
            "/ \\ { } [ ] ( ) + - * % $ # @ ! ? : ; , . ~ ^ _ |",
        ),
        (
            "{{v}}",
            r#"{"v": "Zoë – 你好 \ud83d\ude00 \u00a0 é"}"#,
            "Zoë – 你好 😀 \u{a0} é",
        ),
        ("{{v}}", r#"{"v": "a\nb\tc"}"#, "a\nb\tc"),
    ]);
}

#[test]
fn a_raw_value_is_printed_as_it_is() {
    agree(&[
        (
            "{{{v}}}|{{{ v }}}|{{&v}}|{{& v }}",
            r#"{"v": "<b>'&'</b>"}"#,
            "<b>'&'</b>|<b>'&'</b>|<b>'&'</b>|<b>'&'</b>",
        ),
        ("{{{v}}}", r#"{"v": {"a": "<"}}"#, "{a=<}"),
        ("{{{v}}}", r#"{"v": null}"#, ""),
        (
            "{{{a.b}}}{{{a.[c d]}}}{{{../a.b}}}",
            r#"{"a": {"b": "<", "c d": ">"}}"#,
            "<>",
        ),
        (
            "{{#each l}}{{{this}}}{{this}}{{/each}}",
            r#"{"l": ["<", "&"]}"#,
            "<&lt;&&amp;",
        ),
        (
            "{{{optionalValue v \"<none>\"}}} {{optionalValue v \"<none>\"}}",
            "{}",
            "<none> &lt;none&gt;",
        ),
    ]);
}

#[test]
fn single_braces_beside_a_tag_are_text() {
    agree(&[
        ("{ {{v}} }", r#"{"v": 1}"#, "{ 1 }"),
        ("a { b } c {} }}", "{}", "a { b } c {} }}"),
        (
            "<style>.a { b: c; } .d{e:f}</style>{{v}}",
            r#"{"v": 1}"#,
            "<style>.a { b: c; } .d{e:f}</style>1",
        ),
        ("({{v}})[{{v}}]", r#"{"v": 1}"#, "(1)[1]"),
    ]);
}

#[test]
fn a_comment_shows_nothing_whatever_is_inside() {
    agree(&[
        ("a{{! no }}b", "{}", "ab"),
        ("a{{!no}}b{{!}}c", "{}", "abc"),
        ("a{{! it's \"open }}b", "{}", "ab"),
        ("a{{! one { brace }}b", "{}", "ab"),
        ("a{{!-- {{v}} {{#if v}} --}}b", r#"{"v": 1}"#, "ab"),
        ("a{{!-- }} --}}b", "{}", "ab"),
        ("a{{!----}}b", "{}", "ab"),
        ("a{{!--\n two\n lines - -- > \n--}}b", "{}", "ab"),
        ("a{{! first\n second }}b", "{}", "ab"),
        ("a {{~! x ~}} b {{~!-- y --}} c", "{}", "ab c"),
        (
            "{{#each l}}{{! c }}{{this}}{{!-- {{/each}} --}}{{/each}}",
            r#"{"l": [1, 2]}"#,
            "12",
        ),
        (
            "{{#if a}}{{!-- {{else}} --}}A{{else}}{{! A }}B{{/if}}",
            r#"{"a": 1}"#,
            "A",
        ),
    ]);
}

#[test]
fn what_stands_in_an_html_comment_is_evaluated() {
    agree(&[
        ("<!-- {{v}} -->", r#"{"v": "x"}"#, "<!-- x -->"),
        (
            "<!-- {{#each l}}<td>{{this}}</td>{{/each}} -->",
            r#"{"l": [1, 2]}"#,
            "<!-- <td>1</td><td>2</td> -->",
        ),
        ("<!-- {{#if a}} -->x<!-- {{/if}} -->", "{}", "<!--  -->"),
        ("<!-- {{! {{ }} -->", "{}", "<!--  -->"),
    ]);
}

#[test]
fn a_value_in_an_attribute_a_style_or_a_script_is_escaped_all_the_same() {
    agree(&[
        (
            "<td class=\"{{c}}\">",
            r#"{"c": "a\" b"}"#,
            "<td class=\"a&quot; b\">",
        ),
        ("<p id='{{c}}'>", r#"{"c": "a'b"}"#, "<p id='a&#x27;b'>"),
        (
            "<script>x = '{{c}}'</script>",
            r#"{"c": "'"}"#,
            "<script>x = '&#x27;'</script>",
        ),
    ]);
}

#[test]
fn white_space_is_kept_unless_a_tilde_takes_it() {
    agree(&[
        ("a \n {{v}} \n b", r#"{"v": 1}"#, "a \n 1 \n b"),
        ("a \n {{~v}} \n b", r#"{"v": 1}"#, "a1 \n b"),
        ("a \n {{v~}} \n b", r#"{"v": 1}"#, "a \n 1b"),
        ("a {{~{v}~}} b", r#"{"v": "<"}"#, "a<b"),
        ("a {{~&v~}} b", r#"{"v": "<"}"#, "a<b"),
        (
            "a {{~#if v~}} b {{~else~}} c {{~/if~}} d",
            r#"{"v": 1}"#,
            "abd",
        ),
        (
            "a {{~#if v~}} b {{~else~}} c {{~/if~}} d",
            r#"{"v": 0}"#,
            "acd",
        ),
        ("a {{#if v}} b {{~^~}} c {{/if}} d", r#"{"v": 0}"#, "a c  d"),
        ("x {{~#l~}} {{.}} {{~/l~}} y", r#"{"l": [1, 2]}"#, "x12y"),
        ("x {{#l}} {{~.~}} {{/l}} y", r#"{"l": [1, 2]}"#, "x 12 y"),
        ("x {{~^l~}} none {{~/l~}} y", r#"{"l": []}"#, "xnoney"),
    ]);
}

#[test]
fn tags_may_run_over_lines_and_hold_any_white_space() {
    agree(&[
        ("{{#if\n  a\n}}x{{  else  }}y{{/if  }}", r#"{"a": 1}"#, "x"),
        (
            "{{#each\n\tl}}{{\nthis\n}}{{/each\n}}",
            r#"{"l": [1, 2]}"#,
            "12",
        ),
        (
            "{{optionalValue\n  (formatDate\n    d)\n  \"none\"\n}}",
            r#"{"d": "2024-05-01"}"#,
            "01 May 2024",
        ),
        (
            "{{# l }}{{ . }}{{/ l }}{{^ l }}none{{/ l }}",
            r#"{"l": [1, 2]}"#,
            "12",
        ),
        (
            "a\r\n{{v}}\r\n{{#if v}}\r\nb{{/if}}",
            r#"{"v": 1}"#,
            "a\r\n1\r\n\r\nb",
        ),
    ]);
}

#[test]
fn names_may_hold_hyphens_digits_underscores_and_letters_of_any_script() {
    agree(&[
        (
            "{{a-b}} {{a_b}} {{a1}} {{A}} {{_x}} {{$y}}",
            r#"{"a-b": 1, "a_b": 2, "a1": 3, "A": 4, "_x": 5, "$y": 6}"#,
            "1 2 3 4 5 6",
        ),
        (
            "{{bail-hearing-date.hearingDate-day}}",
            r#"{"bail-hearing-date": {"hearingDate-day": "07"}}"#,
            "07",
        ),
        (
            "{{#bail-hearing-date}}{{hearingDate-day}}{{/bail-hearing-date}}",
            r#"{"bail-hearing-date": {"hearingDate-day": "07"}}"#,
            "07",
        ),
        (
            "{{größe}} {{été.naïve}}",
            r#"{"größe": 1, "été": {"naïve": 2}}"#,
            "1 2",
        ),
        (
            "{{#each a-b}}{{c-d}}{{/each}}",
            r#"{"a-b": [{"c-d": 1}, {"c-d": 2}]}"#,
            "12",
        ),
        (
            "{{a--b}}{{a-}}{{-}}",
            r#"{"a--b": 1, "a-": 2, "-": 3}"#,
            "123",
        ),
        ("{{2fa}}", r#"{"2fa": "yes"}"#, "yes"),
    ]);
}

#[test]
fn brackets_hold_any_name_and_indexes_of_lists() {
    agree(&[
        (
            "{{a.lastUpdated.[0]}}",
            r#"{"a": {"lastUpdated": [2024, 5]}}"#,
            "2024",
        ),
        ("{{a.[1].[0]}}", r#"{"a": [[1], [2]]}"#, "2"),
        ("{{a.[1].b}}", r#"{"a": [{"b": 1}, {"b": 2}]}"#, "2"),
        (
            "{{a.[2]}}|{{a.[99999999999999999999]}}|{{a.[-1]}}",
            r#"{"a": [1, 2]}"#,
            "||",
        ),
        (
            "{{[a b]}} {{[a.b]}} {{[a/b]}} {{x.[c}}d]}}",
            r#"{"a b": 1, "a.b": 2, "a/b": 3, "x": {"c}}d": 4}}"#,
            "1 2 3 4",
        ),
        (
            "{{this.[a b]}} {{./[a b]}} {{#each l}}{{../[a b]}}{{/each}}",
            r#"{"a b": 1, "l": [0, 0]}"#,
            "1 1 11",
        ),
        (
            "{{[if]}} {{[each]}} {{this.[else]}}",
            r#"{"if": 1, "each": 2, "else": 3}"#,
            "1 2 3",
        ),
        (
            "{{#with l.[0]}}{{n}}{{/with}}{{#l.[1]}}{{n}}{{/l.[1]}}",
            r#"{"l": [{"n": 1}, {"n": 2}]}"#,
            "12",
        ),
        (
            "{{#each [a b]}}{{this}}{{/each}}",
            r#"{"a b": [1, 2]}"#,
            "12",
        ),
        ("{{this.[0]}}{{[1]}}", "[5, 6]", "56"),
        (
            "{{#each this}}{{this.[0]}}-{{[1]}};{{/each}}",
            "[[1, 2], [3, 4]]",
            "1-2;3-4;",
        ),
        (
            "{{formatDate a.[0]}}",
            r#"{"a": ["2024-05-01"]}"#,
            "01 May 2024",
        ),
    ]);
}

#[test]
fn literals_are_arguments_as_they_stand() {
    agree(&[
        (
            "{{optionalValue v \"-\"}}{{optionalValue v '-'}}",
            "{}",
            "--",
        ),
        ("{{optionalValue v \"it's\"}}", "{}", "it&#x27;s"),
        ("{{optionalValue v 'say \"x\"'}}", "{}", "say &quot;x&quot;"),
        (
            "{{optionalValue v \"say \\\"x\\\"\"}}",
            "{}",
            "say &quot;x&quot;",
        ),
        ("{{optionalValue v \"}}\"}}", "{}", "}}"),
        (
            "{{optionalValue v \"a.b (c) [d] | e=f\"}}",
            "{}",
            "a.b (c) [d] | e&#x3D;f",
        ),
        ("{{optionalValue v \"Zoë ✓\"}}", "{}", "Zoë ✓"),
        ("{{optionalValue   v\n  \"x\"\n}}", "{}", "x"),
        (
            "{{#if (eq a 1)}}y{{/if}}{{#if (eq b true)}}y{{/if}}{{#if (eq c -2)}}y{{/if}}{{#if (eq d false)}}y{{/if}}",
            r#"{"a": 1, "b": true, "c": -2, "d": false}"#,
            "yyyy",
        ),
        (
            "{{convertBoolean true}} {{convertBoolean false}} {{convertBoolean 1}} {{convertBoolean \"0\"}}",
            "{}",
            "Yes No Yes No",
        ),
        ("{{formatDate \"2024-05-01\"}}", "{}", "01 May 2024"),
        ("{{#each \"\"}}x{{else}}none{{/each}}", "{}", "none"),
    ]);
}
