/** The chapter on the language itself; the reference page puts the directives behind it. */
export const LANGUAGE_CHAPTER = `# Configuration

<!-- Made by \`npm run docs\` from the directive table in src/config/. Changes belong there. -->

tcprelay reads one file, which holds the section of the master, by tradition named \`spawnd\`, and the one of
the relay, named \`tcprelay\`:

\`\`\`
#!/usr/local/sbin/tcprelay
id = spawnd {
  listen = { port = 2222 }
}
id = tcprelay {
  remote = { address = 169.254.1.2 port = 22 }
}
\`\`\`

\`tcprelay -P FILE\` checks a file without starting anything: all of it, including the files and users that it
names. It prints nothing and exits with 0 when all is well, otherwise it shows every mistake with its place and
exits as a start would: with 78, with 66 when the file cannot be read, with 71 without listeners, with 64 without
remotes, with 73 when a file cannot be written. Warnings leave the 0.

## Contents

* [The language](#the-language)
* [Scripts](#scripts)
* [Where it differs from the original](#where-it-differs-from-the-original)
<!-- contents -->

## The language

**Tokens.** Space, tab and line ends separate words and mean nothing else: a directive may span lines, and a line
may hold many. \`=\`, \`{\`, \`}\`, \`(\`, \`)\`, \`[\`, \`]\`, \`,\` and \`!\` are tokens of their own, as are \`&\`, \`|\`, \`&&\` and
\`||\`. The words of directives are written as they stand here, in lower case.

**Comments** begin with \`#\` where a token could begin, and reach to the end of the line; \`abc#def\` is one word.

**\`=\`** may be left out everywhere: \`port = 80\` and \`port 80\` are the same, as are \`listen = { … }\` and
\`listen { … }\`.

**Quotes.** \`"…"\` and \`'…'\` are the same. Text in quotes may span lines and may hold anything; it is never a
directive, always a value or a name. Within quotes:

* \`\\\\\`, \`\\"\`, \`\\'\`, \`\\a\`, \`\\b\`, \`\\e\`, \`\\t\`, \`\\n\`, \`\\v\`, \`\\f\`, \`\\r\`, and bytes in octal, \`\\0\` to \`\\377\`;
* a backslash at the end of a line joins it with the next;
* \`\${NAME}\` becomes the value of an environment variable. If there is none, it stays as it is. \`$NAME\` has no
  meaning. To write \`\${NAME}\` itself, use \`$\\173NAME}\`.

**Numbers** are decimal, or hexadecimal behind \`0x\`. \`k\`, \`m\` and \`g\` behind a number multiply it by 1024, 1024²
and 1024³.

**Times** (TIME) count seconds, or carry a unit: \`90\`, \`0.25\`, \`250ms\`, \`90s\`, \`15m\`, \`2h\`, \`1d\`. The smallest
step is a millisecond, or a second where the kernel counts the time in seconds (SECONDS).

**Yes and no** may be \`yes\`, \`true\`, \`permit\`, \`on\`, \`1\`, or \`no\`, \`false\`, \`deny\`, \`off\`, \`0\`. Such a directive may also
stand alone and then means yes: \`tls\` is \`tls = yes\`.

**Ports** are numbers or names of services (\`ssh\`); where a directive takes several, ranges and lists of them:
\`8000-8099\`, \`80, 443, 8000-8009\`. **Users and groups** are names or numbers.

**Addresses** in \`listen\` and \`remote\` may stand without the word \`address\`: \`listen { ::0 port = 2224 }\`.

**Unix sockets** are paths, or abstract names, which begin with \`@\` and are in no file system (unix(7)): \`path = /run/front\`,
\`path = @front\`; in an address with \`unix:\` in front. A file whose name begins with \`@\` is \`./@name\`.

**Repetition.** Where the reference does not say that a directive may be repeated or adds up, the last one counts.

**\`include = FILE\`** may stand wherever a token may and puts the tokens of other files in its place. FILE may be a
pattern with \`*\`, \`?\`, \`[a-z]\` and, in quotes, \`{a,b}\`; the files come in the order of their names. It is relative
to the working directory; \`$CONFDIR/\` in front stands for the directory of the main file. A file that does not exist
is a warning, one that cannot be read an error. Includes may be nested 32 deep, and all of it has 16 MiB at most.

**\`setenv NAME = VALUE\`** sets an environment variable, and **\`alias NAME { … }\`** a word that stands for several
tokens; both at top level, for what follows. A word of the language cannot be an alias, unless it is used in
quotes.

**Sections.** \`id = NAME { … }\` is a section. Sections that are not asked for are skipped, so several programs can
share a file; of two with the same name the first counts. Those with \`listen\`, \`spawn\` or \`remote\` in them are checked
all the same, and \`-P\` then says which it takes. Which are read:

| | section of the master | section of the children |
|---|---|---|
| tcprelay | \`-I ID\`, else the last argument, else \`spawnd\` | \`-i ID\`, else \`spawn { id = ID }\`, else the name of \`spawn { exec = … }\`, else the program's name |
| spawnd | \`-I ID\`, else the last argument, else the program's name | the same, in the end \`tcprelay\` |

A program's name is the last part of its path without \`.js\`.

**Mistakes** are shown with file, line and column, the line itself and a mark under the place:

\`\`\`
my.cfg:3:12: unknown directive 'prot' in a 'remote' block
    remote { prot = 80 }
             ^^^^ did you mean 'port'?
\`\`\`

Directives of HAProxy, nginx, stunnel and other relays are recognised: the mistake names the directive to write
instead, or says that this version has none. A whole file of another program is one mistake. Indentation has no
meaning, but tells which block a missing \`}\` most likely belongs to.

All mistakes in a file are shown, 50 at most. A mistake keeps the program from starting, a warning does not.

## Scripts

Scripts of MAVIS modules, in \`script in { … }\` and its like, change the attributes of a question or an answer, and
may decide by themselves:

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
\`eval CONDITION\`, \`if CONDITION STATEMENT [else STATEMENT]\`, \`{ STATEMENTS }\`; and to end the script: \`return\`,
\`continue\`, \`skip\`, see \`script in\` below. The original's \`reset\` is not possible.

**Attributes** are written with \`$\` in front or without, in upper or lower case. To the right of \`==\` and \`!=\`, and as
the value of \`set\`, an attribute has its \`$\`, and everything else is text; only the words of the original's language
that stand for attributes (\`user\`, \`root\`, \`realm\`, …) are attributes behind \`==\` as well, which is warned about.

**Values** may hold \`$0\` to \`$9\`: what the last pattern between slashes has matched, and its groups. A backslash takes
the next character as it is; within quotes it is written twice.

**Conditions.** \`A == B\`, \`A != B\`, \`A =~ PATTERN\`, \`A !~ PATTERN\`, \`defined(A)\`, \`undef(A)\`, and of conditions
\`!\`, \`&&\`, \`||\` and parentheses; \`!\` binds closest, \`||\` least. An attribute without a value equals nothing and
matches nothing.

**Patterns.** \`"…"\` is an extended regular expression of POSIX, \`/…/\` one of Perl. They do not tell upper from lower
case unless \`regex-match-case\` or \`(?-i)\` says so, and \`^\` and \`$\` are at the ends of lines. Between slashes \`\\/\` is a
slash and, as in the original, \`\\\\\` is one backslash: to match a backslash, write four. Values are bytes:
\`.\` is one byte, and \`[ ]\` takes ASCII alone. What is not there: possessive and atomic groups, recursion,
conditions, \`\\K\`, \`\\Q\`, properties of Unicode, the flag \`x\`.

## Where it differs from the original

More is accepted: everything the original's documentation shows, \`=\` optional everywhere, addresses without
\`address\`, host names in \`remote\`, \`on\`, \`off\`, \`1\`, \`0\`, lower and upper case for the words of values, \`minimum\` and
\`maximum\`, \`servers\` and \`processes\` for \`instances\`, quoted values for words.

Stricter, since the original took these silently for something else:

* the whole file is read, also behind the sections that are wanted;
* a port with something behind it (\`22x\`), one above 65535, and an unknown service are errors;
* numbers that do not fit are errors, and so are unknown severities and facilities;
* a listener needs a port, unless it is a Unix socket or comes from inetd; a remote needs address and port;
* text that is not UTF-8, NUL bytes, quotes and braces that are never closed, tokens of more than 65534 bytes;
* a single \`&\` or \`|\` is not ignored;
* programs, certificates, users, groups and directories that are named must exist;
* certificates are read and checked with their keys, and only TLS 1.2 and 1.3 are spoken.

Different:

* a time of \`5m\` is five minutes; the original took it for 5 242 880 seconds;
* \`-i\` counts for more than \`spawn { id = … }\`, and the last argument of tcprelay chooses the master's section;
* \`bind retry delay\` of the section holds for all listeners, not only for those behind it;
* \`users max\` has no fixed default;
* a listener on an address that another one has taken already is warned about;
* \`IO_POLL_MECHANISM\` holds for children too, and a value that is no number or leaves nothing is an error;
* a \`path\` that begins with \`@\` is an abstract name, not a file;
* MAVIS modules are part of the program: \`mavis path\` has no effect, and those of the original that are for its other
  programs are refused;
* patterns do not tell upper from lower case unless they are told to: the original began to after the first \`}\`.
`
