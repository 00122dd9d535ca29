use super::*;

/// Statements as `line:words{block}`.
fn told(text: &str, language: Language) -> String {
    fn tell(statements: &[Statement]) -> String {
        let one = |statement: &Statement| {
            let words = Vec::from_iter(statement.words.iter().map(|word| word.text.as_str())).join(" ");
            let block = statement.body.as_ref().map(|body| format!("{{{}}}", tell(body))).unwrap_or_default();
            format!("{}:{words}{block}", statement.line)
        };
        Vec::from_iter(statements.iter().map(one)).join(" ")
    }
    tell(&parse(text, language).unwrap())
}

#[test]
fn exabgp() {
    let text = "process w {\n\trun /bin/w --x;\n}\nneighbor 10.0.0.1 {\n # no {\n api {\n  \
                processes [a, b];\n }\n md5-password \"a;#{b\";\n}";
    let expected =
        "1:process w{2:run /bin/w --x} 4:neighbor 10.0.0.1{6:api{7:processes [ a , b ]} 9:md5-password a;#{b}";
    assert_eq!(told(text, Language::Exabgp), expected);
}

#[test]
fn bird() {
    let text = "/* {\n */ protocol bgp a {\n ipv4 { import none; export where source=RTS_BGP; };\n \
                route 10.0.0.0/8 blackhole { bgp_med=1; };\n}\n\
                function f() { if net ~ [ 10.0.0.0/8{16,24} ] then { return 1; } else return 2; }";
    let expected = "2:protocol bgp a{3:ipv4{3:import none 3:export where source = RTS_BGP} \
                    4:route 10.0.0.0/8 blackhole{4:bgp_med = 1}} \
                    6:function f ( ){6:if net ~ [ 10.0.0.0/8 { 16 , 24 } ] then{6:return 1} 6:else return 2}";
    assert_eq!(told(text, Language::Bird), expected);
}

#[test]
fn templates() {
    let text =
        "{# comment #}neighbor {{ peer }} {\n{% if key %}\n md5-password {{ key | default(\"a b\") }};\n{% endif %}\n}";
    assert_eq!(told(text, Language::Exabgp), "1:neighbor {{ peer }}{3:md5-password {{ key | default(\"a b\") }}}");
    let statements = parse("hold-time {{ x }};", Language::Exabgp).unwrap();
    assert_eq!(statements[0].words[1].known(), None);
    assert_eq!(statements[0].words[0].known(), Some("hold-time"));
}

#[test]
fn what_is_not_closed_and_what_is_closed_twice() {
    assert_eq!(parse("a {\n b {\n c;\n}", Language::Exabgp), Err(Unclosed(1)));
    assert_eq!(told("a { b; } } c;", Language::Bird), "1:a{1:b} 1:c");
    assert_eq!(told("a \"open", Language::Bird), "1:a open");
    assert_eq!(told("", Language::Bird), "");
}

proptest::proptest! {
    #[test]
    fn nothing_makes_it_panic(text in "[\\PC\n{}#\"';\\[\\]%]{0,80}") {
        for language in [Language::Exabgp, Language::Bird] {
            parse(&text, language).ok();
        }
    }
}
