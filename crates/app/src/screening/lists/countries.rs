//! Countries as lists write them.

/// How lists call countries otherwise than ISO 3166 does.
const OTHERWISE: [(&str, &str); 28] = [
    ("bolivia", "BO"),
    ("bosnia and herzegovina", "BA"),
    ("burma", "MM"),
    ("cape verde", "CV"),
    ("congo, democratic republic of the", "CD"),
    ("congo, republic of the", "CG"),
    ("cote d ivoire", "CI"),
    ("czech republic", "CZ"),
    ("democratic people's republic of korea", "KP"),
    ("democratic republic of the congo", "CD"),
    ("iran", "IR"),
    ("ivory coast", "CI"),
    ("korea, north", "KP"),
    ("korea, south", "KR"),
    ("laos", "LA"),
    ("moldova", "MD"),
    ("north korea", "KP"),
    ("palestinian", "PS"),
    ("russia", "RU"),
    ("south korea", "KR"),
    ("syria", "SY"),
    ("taiwan", "TW"),
    ("tanzania", "TZ"),
    ("the gambia", "GM"),
    ("turkey", "TR"),
    ("united kingdom", "GB"),
    ("united states", "US"),
    ("venezuela", "VE"),
];

/// The two letters of a country, or what the list calls it, if that isn't known.
pub(super) fn code(text: &str) -> String {
    let is_name = |name: &str| name.eq_ignore_ascii_case(text);
    let otherwise = OTHERWISE.iter().find(|(name, _)| is_name(name)).map(|(_, code)| *code);
    let iso = || rust_iso3166::ALL.iter().find(|it| is_name(it.name) || is_name(it.alpha2));
    let short = || {
        // ISO adds the kind of state behind: "Iran (Islamic Republic of)".
        let is_short = |name: &str| name.split_once(" (").is_some_and(|(name, _)| is_name(name));
        rust_iso3166::ALL.iter().find(|it| is_short(it.name))
    };
    let found = otherwise.or_else(|| iso().or_else(short).map(|it| it.alpha2));
    found.unwrap_or(text).to_owned()
}
