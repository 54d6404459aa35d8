"""C++ source as text: comments and literals blanked, and where its functions begin and end.

No compiler is asked, so a check of the whole tree takes a second and works on a file that does not build. What it
cannot know (macros that hide braces) it reads as it stands.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<line_comment>//(?:\\\n|[^\n])*)
  | (?P<block_comment>/\*.*?\*/)
  | (?P<raw>\b(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)")
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<number>(?<![\w.])\.?\d(?:'?[\w.]|(?<=[eEpP])[+-])*)
  | (?P<character>'(?:\\.|[^'\\\n])+')
    """,
    re.VERBOSE | re.DOTALL,
)


def _spaces(text):
    return "".join(c if c == "\n" else " " for c in text)


def blank(source):
    """`source` with comments and the insides of literals as spaces: same length, same lines."""

    def replace(match):
        text = match.group(0)
        kind = match.lastgroup if match.lastgroup != "delimiter" else "raw"
        if kind == "number":
            return text.replace("'", " ")
        if kind in ("line_comment", "block_comment"):
            return _spaces(text)
        return text[0] + _spaces(text[1:-1]) + text[-1] if kind != "raw" else '"' + _spaces(text[1:-1]) + '"'

    return _TOKEN.sub(replace, source)


def blank_directives(code):
    """`code` (from blank()) without preprocessor lines, and with one branch of each #if (the first) left standing."""
    lines = code.split("\n")
    branches = []  # per open #if: True while its first branch runs
    continued = False
    for index, line in enumerate(lines):
        directive = re.match(r"\s*#\s*(\w+)", line)
        if continued or directive:
            if directive and not continued:
                word = directive.group(1)
                if word in ("if", "ifdef", "ifndef"):
                    branches.append(not re.match(r"\s*#\s*if\s+0\b", line))
                elif word in ("else", "elif") and branches:
                    branches[-1] = False
                elif word == "endif" and branches:
                    branches.pop()
            continued = line.endswith("\\")
            lines[index] = " " * len(line)
        elif not all(branches):
            lines[index] = " " * len(line)
    return "\n".join(lines)


@dataclass(frozen=True)
class Function:
    """One function with a body; lines count from 1 and include the signature and the closing brace."""

    name: str
    first_line: int
    last_line: int

    @property
    def line_count(self):
        return self.last_line - self.first_line + 1


_OPERATOR = re.compile(r"\boperator\s*(?:\(\s*\)|\[\s*\]|\"\"\s*\w+|[^\s\w(]+)")
_ACCESS = re.compile(r"^\s*(?:public|protected|private)\s*:(?!:)")
_TYPE = re.compile(r"^(?:(?:typedef|static|inline|constexpr|const|friend|export)\s+)*(?:class|struct|union|enum)\b")
_COLON = re.compile(r"(?<!:):(?!:)")


def _remove_groups(text, open_char, close_char, mark):
    """`text` with each outermost open...close group replaced by `mark`."""
    kept, depth = [], 0
    for char in text:
        if char == open_char:
            if depth == 0:
                kept.append(mark)
            depth += 1
        elif char == close_char and depth > 0:
            depth -= 1
        elif depth == 0:
            kept.append(char)
    return "".join(kept)


def _remove_templates(text):
    """`text` without its template<...> heads."""
    while match := re.search(r"\btemplate\s*<", text):
        depth, end = 1, match.end()
        while end < len(text) and depth > 0:
            depth += {"<": 1, ">": -1}.get(text[end], 0)
            end += 1
        text = text[: match.start()] + text[end:]
    return text


def _classify(head):
    """What a brace opens behind `head`: namespace, type, function, or group (an initialiser, a requirement)."""
    head = re.sub(r"\[\[.*?\]\]", " ", head, flags=re.DOTALL)
    head = _OPERATOR.sub("operator_", head)
    while match := _ACCESS.match(head):
        head = head[match.end() :]
    if re.search(r"\bnamespace\b", head) or re.match(r'\s*extern\s*"', head):
        return "namespace"
    flat = _remove_groups(_remove_groups(head, "{", "}", ""), "(", ")", "()")
    flat = _remove_templates(flat)
    flat = re.sub(r"\b(?:alignas|__attribute__|decltype|explicit|noexcept)\s*\(\)", " ", flat).strip()
    if re.search(r"\brequires\s*(?:\(\))?$", flat):
        return "group"
    if "=" in flat:
        is_lambda = re.search(r"=.*\]\s*(?:\(\)[\w\s:<>,*&-]*)?$", flat, re.DOTALL)
        return "function" if is_lambda else "group"
    if _TYPE.match(flat) and "()" not in _COLON.split(flat, 1)[0]:
        return "type"
    if "()" not in flat:
        return "group"
    if re.search(r"\(\)[^()]*?(?<!:):(?!:)", flat):
        # A constructor's initialisers: `a_{1}` is one of them, and what follows `)` or `}` is the body.
        last = head.rstrip()[-1:]
        return "group" if last.isalnum() or last in "_>" else "function"
    return "function"


def _name_of(head):
    head = re.sub(r"\[\[.*?\]\]", " ", head, flags=re.DOTALL)
    match = re.search(r"([\w:~]*(?:operator\s*(?:\(\s*\)|[^\s\w(]+))|[\w:~]+)\s*\(", _remove_templates(head))
    return match.group(1) if match else "lambda"


class _Walker:
    """Walks braces from the outside in; looks no deeper than the outermost function."""

    def __init__(self, code):
        self.code = code
        self.functions = []
        self.scopes = []  # kinds of the open braces
        self.head_start = 0  # where the declaration in hand begins
        self.function_start = 0

    def inside(self, kind):
        return kind in self.scopes

    def begin_of_head(self):
        at = self.head_start
        while True:
            while at < len(self.code) and self.code[at].isspace():
                at += 1
            access = _ACCESS.match(self.code[at:])
            if not access:
                return at
            at += access.end()

    def open(self, at):
        if self.inside("function") or self.inside("group"):
            self.scopes.append("inner")
            return
        kind = _classify(self.code[self.head_start : at])
        self.scopes.append(kind)
        if kind == "function":
            self.function_start = self.begin_of_head()
        elif kind != "group":
            self.head_start = at + 1

    def close(self, at):
        kind = self.scopes.pop() if self.scopes else "inner"
        if kind == "function":
            line = self.code.count("\n", 0, self.function_start) + 1
            last = self.code.count("\n", 0, at) + 1
            head = self.code[self.function_start : at].split("{", 1)[0]
            self.functions.append(Function(_name_of(head), line, last))
        if kind not in ("group", "inner"):
            self.head_start = at + 1

    def walk(self):
        parens = 0
        for match in re.finditer(r"[(){};]", self.code):
            char, at = match.group(0), match.start()
            deep = self.inside("function") or self.inside("group")
            if not deep and char in "()":
                parens = max(0, parens + (1 if char == "(" else -1))
            elif parens > 0 and not deep:
                continue
            elif char == "{":
                self.open(at)
            elif char == "}":
                self.close(at)
            elif char == ";" and not deep:
                self.head_start = at + 1
        return self.functions


def functions(source):
    """The functions of a C++ file that have a body; a lambda or local class belongs to the function around it."""
    return _Walker(blank_directives(blank(source))).walk()
