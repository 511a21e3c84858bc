/** The chapter on the language itself, which opens docs/configuration.md; the directives follow it. */
export const LANGUAGE_CHAPTER = `# Configuration

<!-- Made by \`npm run docs\` from the directive table in src/config/. Changes belong there. -->

tcprelay reads one file with two sections: the section of the master, by tradition \`spawnd\`, and the section of
the relay, \`tcprelay\`:

\`\`\`
#!/usr/local/sbin/tcprelay
id = spawnd {
  listen = { port = 2222 }
}
id = tcprelay {
  remote = { address = 169.254.1.2 port = 22 }
}
\`\`\`

\`tcprelay -P FILE\` checks the whole file without starting anything, including the files and users that it names.
Without errors it exits with 0. Otherwise it prints every error with its position and exits with the code that a
start would have: 78, or 66 if the file cannot be read, 71 without listeners, 64 without remotes, 73 if a file cannot
be written. Warnings do not change the exit code.

## Contents

* [The language](#the-language)
* [Scripts](#scripts)
* [Where it differs from the original](#where-it-differs-from-the-original)
<!-- contents -->

## The language

**Tokens.** Spaces, tabs and line ends only separate words: a directive may span lines, and a line may contain
several directives. \`=\`, \`{\`, \`}\`, \`(\`, \`)\`, \`[\`, \`]\`, \`,\` and \`!\` are separate tokens, as are \`&\`, \`|\`, \`&&\` and
\`||\`. The words of directives are in lower case.

**Comments** begin with \`#\` at the start of a token and end with the line; \`abc#def\` is one word.

**\`=\`** is optional everywhere: \`port = 80\` and \`port 80\` are equivalent, as are \`listen = { … }\` and
\`listen { … }\`.

**Quotes.** \`"…"\` and \`'…'\` are equivalent. Quoted text may span lines and contain any characters; it is never a
directive, always a value or a name. Within quotes:

* \`\\\\\`, \`\\"\`, \`\\'\`, \`\\a\`, \`\\b\`, \`\\e\`, \`\\t\`, \`\\n\`, \`\\v\`, \`\\f\`, \`\\r\`, and bytes in octal, \`\\0\` to \`\\377\`;
* a backslash at the end of a line joins it with the next;
* \`\${NAME}\` expands to the value of an environment variable; if the variable is not set, the text is kept.
  \`$NAME\` is not expanded. For a literal \`\${NAME}\` write \`$\\173NAME}\`.

**Numbers** are decimal, or hexadecimal with the prefix \`0x\`. The suffixes \`k\`, \`m\` and \`g\` multiply by 1024, 1024²
and 1024³.

**Times** (TIME) are in seconds, or have a unit: \`90\`, \`0.25\`, \`250ms\`, \`90s\`, \`15m\`, \`2h\`, \`1d\`. The resolution is
one millisecond, or one second for times that the kernel counts in seconds (SECONDS).

**Yes and no** are written \`yes\`, \`true\`, \`permit\`, \`on\`, \`1\`, or \`no\`, \`false\`, \`deny\`, \`off\`, \`0\`. Such a directive
without a value means yes: \`tls\` is \`tls = yes\`.

**Ports** are numbers or service names (\`ssh\`); directives that take several also accept ranges and lists:
\`8000-8099\`, \`80, 443, 8000-8009\`. **Users and groups** are names or numbers.

**Addresses** in \`listen\` and \`remote\` may be written without the word \`address\`: \`listen { ::0 port = 2224 }\`.

**Unix sockets** are paths, or abstract names outside of the file system (unix(7)), which begin with \`@\`:
\`path = /run/front\`, \`path = @front\`. In an address they have the prefix \`unix:\`. A file whose name begins with \`@\`
is written \`./@name\`.

**Repetition.** If a directive is given twice, the last one overrides the others, unless the reference says that it
may be repeated or adds up.

**\`include = FILE\`** is replaced by the tokens of other files, wherever a token is allowed. FILE may be a pattern with
\`*\`, \`?\`, \`[a-z]\` and, in quotes, \`{a,b}\`; matching files are read in the order of their names. A relative path is
relative to the working directory; a leading \`$CONFDIR/\` expands to the directory of the main file. A missing file is
a warning, an unreadable one an error. Includes may be nested 32 levels deep; the total size is limited to 16 MiB.

**\`setenv NAME = VALUE\`** sets an environment variable, and **\`alias NAME { … }\`** defines a word that expands to
several tokens; both are allowed at top level and apply to everything after them. A word of the language is expanded
as an alias only in quotes.

**Sections.** \`id = NAME { … }\` is a section. Sections that are not selected are skipped, so several programs can
share a file; of two sections with the same name the first is used. Skipped sections that contain \`listen\`, \`spawn\` or
\`remote\` are still checked, and \`-P\` then prints which sections it selects. Selected are:

| | section of the master | section of the children |
|---|---|---|
| tcprelay | \`-I ID\`, else the last argument, else \`spawnd\` | \`-i ID\`, else \`spawn { id = ID }\`, else the name of \`spawn { exec = … }\`, else the program's name |
| spawnd | \`-I ID\`, else the last argument, else the program's name | as above, but the last default is \`tcprelay\` |

A program's name is the last component of its path without \`.js\`.

**Errors and warnings** are printed with file, line and column, the line itself and a marker below the position:

\`\`\`
my.cfg:3:12: unknown directive 'prot' in a 'remote' block
    remote { prot = 80 }
             ^^^^ did you mean 'port'?
\`\`\`

Directives of HAProxy, nginx, stunnel and other relays are recognised: the error names the directive to use instead,
or reports that this version has none. A whole file of another program is one error. Indentation has no meaning, but
it is used to guess which block lacks its \`}\`.

All errors in a file are printed, at most 50. An error prevents the start, a warning does not.

## Scripts

Scripts of MAVIS modules (\`script in { … }\`, \`script interim\`, \`script out\`) change the attributes of a query or an
answer, and may decide without a module:

\`\`\`
mavis module = null {
  script in = {
    if ($IPADDR =~ /^10\\.0\\.(\\d+)\\./ && undef($REALM)) {
      set $CUSTOM_0 = "net $1"
      set $RESULT = ACK
      return
    } else if (!($USER == joe || $USER == "jim")) skip
  }
}
\`\`\`

**Statements.** \`set ATTRIBUTE = VALUE\`, \`unset ATTRIBUTE\`, \`toupper ATTRIBUTE\`, \`tolower ATTRIBUTE\`,
\`eval CONDITION\`, \`if CONDITION STATEMENT [else STATEMENT]\`, \`{ STATEMENTS }\`; \`return\`, \`continue\` and \`skip\` end
the script, see \`script in\` below. The original's \`reset\` is not supported.

**Attributes** are written with or without \`$\`, in upper or lower case. To the right of \`==\` and \`!=\`, and as the value
of \`set\`, only a word with \`$\` is an attribute, everything else is text. Exception: the attribute words of the
original's language (\`user\`, \`root\`, \`realm\`, …) are attributes after \`==\` and \`!=\` as well, with a warning.

**Values** may contain \`$0\` to \`$9\`: the last match of a pattern between slashes, and its groups. A backslash makes the
next character literal; within quotes it is written twice.

**Conditions.** \`A == B\`, \`A != B\`, \`A =~ PATTERN\`, \`A !~ PATTERN\`, \`defined(A)\`, \`undef(A)\`, combined with \`!\`, \`&&\`,
\`||\` and parentheses; \`!\` has the highest precedence, \`||\` the lowest. An attribute without a value equals nothing
and matches nothing.

**Patterns.** \`"…"\` is a POSIX extended regular expression, \`/…/\` a Perl regular expression. They are
case-insensitive unless \`regex-match-case\` or \`(?-i)\` is set, and \`^\` and \`$\` match at the ends of lines. Between
slashes \`\\/\` is a slash and, as in the original, \`\\\\\` is one backslash: to match a backslash, write four. Values are
bytes: \`.\` matches one byte, and \`[ ]\` takes only ASCII. Not supported: possessive and atomic groups, recursion,
conditions, \`\\K\`, \`\\Q\`, Unicode properties, the flag \`x\`.

## Where it differs from the original

Accepted in addition: everything that the original's documentation shows, \`=\` optional everywhere, addresses without
\`address\`, host names in \`remote\`, \`on\`, \`off\`, \`1\`, \`0\`, lower and upper case for the words of values, \`minimum\` and
\`maximum\`, \`servers\` and \`processes\` for \`instances\`, quoted values for words.

Stricter, because the original silently misread these:

* the whole file is read, also after the selected sections;
* a port with trailing characters (\`22x\`), a port above 65535, and an unknown service are errors;
* numbers out of range, unknown severities and unknown facilities are errors;
* a listener needs a port, unless it is a Unix socket or inherited from inetd; a remote needs address and port;
* invalid UTF-8, NUL bytes, unclosed quotes and braces, and tokens longer than 65534 bytes are errors;
* a single \`&\` or \`|\` is not ignored;
* programs, certificates, users, groups and directories must exist;
* certificates are read and checked with their keys; only TLS 1.2 and 1.3 are supported.

Different:

* a time of \`5m\` is five minutes; the original reads it as 5 242 880 seconds;
* \`-i\` overrides \`spawn { id = … }\`, and the last argument of tcprelay selects the master's section;
* \`bind retry delay\` of the section applies to all listeners, not only to those after it;
* \`users max\` has no fixed default;
* \`weight = 0\` means no new clients; the original treats it as 1;
* a listener on an address that another listener uses already causes a warning;
* \`IO_POLL_MECHANISM\` applies to children too; a value that is no number, or that enables no mechanism, is an error;
* a \`path\` that begins with \`@\` is an abstract name, not a file;
* MAVIS modules are built in: \`mavis path\` has no effect, and modules of the original for its other programs are
  rejected;
* patterns are case-insensitive unless \`regex-match-case\` is set; in the original only up to the first \`}\`.
`
