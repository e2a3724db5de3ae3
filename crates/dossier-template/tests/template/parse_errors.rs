//! What is no template, with its place and a word on what is wrong.

use dossier_template::Template;

#[test]
fn a_problem_has_its_place_and_says_what_is_wrong() {
    for (template, place, says) in [
        ("{{", "1:1", "not closed"),
        ("a\n {{x", "2:2", "not closed"),
        ("{{}}", "1:3", "a name was expected"),
        ("{{#if x}}", "1:1", "{{#if}} is not closed"),
        ("é{{#each x}}a", "1:2", "{{#each}} is not closed"),
        ("{{#if x}}\n{{/each}}", "2:1", "{{#if}} of line 1"),
        ("{{#a}}{{#b}}{{/a}}{{/b}}", "1:13", "{{#b}}"),
        ("{{/if}}", "1:1", "closes nothing"),
        ("{{else}}", "1:1", "outside of any block"),
        ("{{^}}", "1:1", "outside of any block"),
        ("{{#else}}{{/else}}", "1:4", "{{else}}"),
        ("{{elseif x}}", "1:3", "{{else if"),
        ("{{#if a}}{{elseif b}}{{/if}}", "1:12", "{{else if"),
        ("{{if x}}", "1:3", "{{#if"),
        ("{{#if x}}{{ /if}}", "1:13", "closing tag"),
        ("{{foo x}}", "1:3", "no helper is named `foo`"),
        ("\n\n  {{formatdate x}}", "3:5", "`formatDate`"),
        ("{{optionalvalue (x y)}}", "1:18", "no helper is named `x`"),
        ("{{x (foo y)}}", "1:6", "`foo`"),
        ("{{#foo x}}{{/foo}}", "1:4", "`foo`"),
        ("{{#if (foo x)}}{{/if}}", "1:8", "`foo`"),
        ("{{x y=1}}", "1:3", "`x`"),
        ("{{eq (x}}", "1:6", "bracket"),
        ("{{eq x)}}", "1:7", "')'"),
        ("{{eq \"x}}", "1:6", "quote"),
        ("{{eq x ,y}}", "1:8", "','"),
        ("{{{x}}", "1:1", "not closed"),
        ("{{!-- x }}", "1:1", "comment"),
        ("{{=<% %>}}", "1:1", "delimiters"),
        ("{{= <% =}}", "1:1", "delimiters"),
        ("{{> }}", "1:5", "partial"),
        ("{{> p a b}}", "1:9", "one context"),
        ("{{#*inline}}{{/inline}}", "1:11", "name"),
        ("{{#*other \"x\"}}{{/other}}", "1:10", "decorator"),
        ("{{* x}}", "1:4", "decorator"),
        ("{{#*inline \"a\"}}{{else}}{{/inline}}", "1:17", "partial"),
        ("{{12}}", "1:3", "`12`"),
        ("{{true}}", "1:3", "`true`"),
        ("{{x as |y|}}", "1:3", "block"),
        ("{{{{x}}}} y", "1:1", "raw block"),
        ("{{x}y}}", "1:4", "'}'"),
        ("{{a[0}}", "1:4", "'['"),
        ("{{optionalValue v 'it''s'}}", "1:23", "white space"),
        ("{{eq \"a\"\"b\"}}", "1:9", "white space"),
        ("{{eq (eq a b)(eq a c)}}", "1:14", "white space"),
        ("{{eq 'a'b}}", "1:9", "white space"),
        ("{{> p a=\"x\"b=\"y\"}}", "1:12", "white space"),
        ("{{> \"p\"a=1}}", "1:8", "white space"),
        ("{{> \"p\"\"q\"}}", "1:8", "white space"),
    ] {
        let error = Template::parse(template).unwrap_err();
        assert_eq!(error.place.to_string(), place, "{template}: {error}");
        assert!(error.problem.contains(says), "{template}: {error}");
        assert_eq!(error.to_string(), format!("{place}: {}", error.problem));
    }
}

#[test]
fn every_known_helper_and_a_bare_name_are_fine() {
    for template in [
        "{{name}}",
        "{{name.other}}",
        "{{optionalValue x}}{{optionalString x}}{{formatDate x}}{{getIndexPlusOne x}}",
        "{{getPrisonName x}}{{getUserLastName x}}{{getLocationNameByDpsId x}}",
        "{{getLocationNameByNomisId x}}{{convertBoolean x}}{{buildDate x y z}}",
        "{{buildDateNumber x y z}}{{eq x y}}{{convertCamelCase x}}",
        "{{{inlineAttachment x 1 2}}}{{{inlineAttachmentContent x}}}{{lookup x y}}",
        "{{> not-defined-here}}",
        "{{optionalValue\"x\"}}{{optionalValue(formatDate x)}}",
        "{{eq \"a\"\n'b'}}{{eq (eq a b) (eq a c)}}{{> p a=\"x\" b = (eq a \"y\")}}",
        "{{{optionalValue \"a\"}}}{{~eq 'a' 'b'~}}{{#each l as |a b|}}{{/each}}",
        "{{=<% %>=}}<%eq 'a' (eq 'b' \"c\")%>",
    ] {
        assert!(Template::parse(template).is_ok(), "{template}");
    }
}
