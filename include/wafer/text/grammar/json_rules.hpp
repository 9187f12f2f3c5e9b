// SPDX-License-Identifier: MIT
// L1 text/grammar: JSON itself as a grammar, and the string formats that schemas name.
#pragma once

#include <string_view>

#include <wafer/core/config.hpp>

namespace wafer::inline WAFER_ABI::grammar {

/// RFC 8259, within bounds that keep a model from running away: white space is one blank, or a line break and an
/// indentation; numbers have at most 18 digits before the point, 17 after it and 2 in the exponent, so that every
/// double reads them. Rules of formats (after "format-") match without quotes, and match less than they might: names of
/// hosts have up to four parts of 61 characters and no two hyphens in a row, addresses of mail a dot in the name of the
/// host and no quotes, addresses of IPv6 no part in decimal, durations up to nine digits a part, schemes of URIs up to 16 characters. @cite RFC 3339 (date,
/// time, duration), RFC 9562 (uuid), RFC 1123 (hostname), RFC 5321 (email), RFC 4291 (ipv6), RFC 3986 (uri)
inline constexpr std::string_view json_rules = R"gbnf(
root    ::= object
value   ::= object | array | string | number | boolean | null
object  ::= "{" space (member ("," space member)* space)? "}"
member  ::= string ":" space value
array   ::= "[" space (value ("," space value)* space)? "]"
boolean ::= "true" | "false"
null    ::= "null"
integer ::= "-"? ("0" | [1-9] [0-9]{0,17})
number  ::= integer ("." [0-9]{1,17})? ([eE] [-+]? [0-9]{1,2})?
string  ::= "\"" char* "\""
space   ::= (" " | "\n" [ \t]{0,32})?

# One character. Halves of surrogate pairs come together, as UTF-16 writes what lies above U+FFFF.
char    ::= plain | "\\" (["\\/bfnrt] | "u" (
    [0-9A-CEFa-cef] hex{3} | [Dd] [0-7] hex{2} |
    [Dd] [89ABab] hex{2} "\\u" [Dd] [C-Fc-f] hex{2}))
plain   ::= [^"\\\x00-\x1F]
plain-rest ::= plain* "\""
content ::= (plain | "\\" (["\\bfnrt] | "u00" ("0" [0-7be-f] | "1" [0-9a-f])))*
hex     ::= [0-9A-Fa-f]

format-date ::= [0-9]{4} "-" (("0" [13578] | "1" [02]) "-" day31 | ("0" [469] | "11") "-" day30 | "02-" day28) |
    leap-year "-02-29"
leap-year ::= [0-9]{2} ("0" [48] | [2468] [048] | [13579] [26]) | ([02468] [048] | [13579] [26]) "00"
day28   ::= "0" [1-9] | "1" [0-9] | "2" [0-8]
day30   ::= day28 | "29" | "30"
day31   ::= day30 | "31"
format-time ::= clock ":" [0-5] [0-9] ("." [0-9]{1,9})? ("Z" | [-+] clock)
clock   ::= ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]
format-date-time ::= format-date "T" format-time
format-duration ::= "P" (date-part ("T" time-part)? | "T" time-part | count "W")
date-part ::= count ("Y" (count "M" (count "D")?)? | "M" (count "D")? | "D")
time-part ::= count ("H" (count "M" (count "S")?)? | "M" (count "S")? | "S")
count   ::= [0-9]{1,9}
format-uuid ::= hex{8} "-" hex{4} "-" hex{4} "-" hex{4} "-" hex{12}
format-hostname ::= label ("." label){0,3}
label   ::= alnum ("-"? alnum){0,30}
alnum   ::= [0-9A-Za-z]
format-email ::= atom ("." atom){0,2} "@" label ("." label){1,3}
atom    ::= [0-9A-Za-z!#$%&'*+/=?^_`{|}~-]{1,20}
format-ipv4 ::= octet ("." octet){3}
octet   ::= [1-9]? [0-9] | "1" [0-9]{2} | "2" [0-4] [0-9] | "25" [0-5]
format-ipv6 ::= group (":" group){7} | "::" (group (":" group){0,6})? | group "::" (group (":" group){0,5})? |
    group ":" group "::" (group (":" group){0,4})? | group (":" group){2} "::" (group (":" group){0,3})? |
    group (":" group){3} "::" (group (":" group){0,2})? | group (":" group){4} "::" (group (":" group)?)? |
    group (":" group){5} "::" group? | group (":" group){6} "::"
group   ::= hex{1,4}
format-uri ::= [A-Za-z] [0-9A-Za-z+.-]{0,15} ":" ("//" format-hostname (":" [0-9]{1,5})? ("/" in-path*)? |
    in-uri in-path*) ("?" (in-path | "?")*)? ("#" (in-path | "?")*)?
in-path ::= in-uri | "/"
in-uri  ::= [0-9A-Za-z._~!$&'()*+,;=:@-] | "%" hex{2}
)gbnf";

}  // namespace wafer::inline WAFER_ABI::grammar
