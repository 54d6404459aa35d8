"""The functions of C++ text are found whatever stands around them."""

import unittest

import cpp_text


def found(source):
    return [(f.name, f.first_line, f.last_line) for f in cpp_text.functions(source)]


class Blank(unittest.TestCase):
    def test_keeps_length_and_lines(self):
        source = 'int a; // "x\n/* {\n} */ char c = \'{\'; auto s = "}\\"{"; auto n = 1\'000;\n'
        code = cpp_text.blank(source)
        self.assertEqual(len(code), len(source))
        self.assertEqual(code.count("\n"), source.count("\n"))
        self.assertNotIn("{", code)
        self.assertNotIn("}", code)
        self.assertIn("auto n = 1 000;", code)

    def test_raw_strings_end_at_their_own_delimiter(self):
        code = cpp_text.blank('auto s = R"x({ )" } " )x"; int y;')
        self.assertNotIn("{", code)
        self.assertTrue(code.endswith("int y;"))

    def test_a_slash_pair_in_a_string_is_no_comment(self):
        self.assertTrue(cpp_text.blank('f("http://a"); g();').endswith("g();"))

    def test_a_quote_in_a_comment_opens_nothing(self):
        self.assertTrue(cpp_text.blank("// the caller's\nint x;").endswith("int x;"))


class Functions(unittest.TestCase):
    def test_free_functions_in_namespaces(self):
        source = "namespace a::b {\nnamespace {\nint f(int x) {\n    return x;\n}\n}\nvoid g()\n{\n}\n}\n"
        self.assertEqual(found(source), [("f", 3, 5), ("g", 7, 9)])

    def test_members_and_not_their_class(self):
        source = ("struct alignas(64) A final : B<decltype(x())> {\npublic:\n    int f() const noexcept { return 1; }\n"
                  "    std::atomic<int> n{0};\n    int m[2] = {1, 2};\n    ~A() {\n    }\n};\n")
        self.assertEqual(found(source), [("f", 3, 3), ("~A", 6, 7)])

    def test_constructors_with_braced_initialisers(self):
        source = "A::A(int x)\n    : a_{x},\n      b_(std::vector<int>{1}),\n      C<int>{x} {\n    run();\n}\nint g() { return 2; }\n"
        self.assertEqual(found(source), [("A::A", 1, 6), ("g", 7, 7)])

    def test_lambdas_and_local_classes_belong_to_the_function_around(self):
        source = "void f() {\n    auto g = [](int a) {\n        struct L { int h() { return 1; } };\n    };\n}\n"
        self.assertEqual(found(source), [("f", 1, 5)])

    def test_a_lambda_at_namespace_scope_counts(self):
        self.assertEqual([(f, l) for _, f, l in found("const auto f = [](int a) -> int {\n    return a;\n};\n")], [(1, 3)])

    def test_operators_templates_and_trailing_returns(self):
        source = ("template <typename T = int, auto N = (3 > 2)>\nrequires std::integral<T>\n"
                  "auto f(T t) -> std::vector<T> {\n}\n"
                  "A& operator=(const A&) {\n}\nbool operator()(int) {\n}\nbool operator==(A a, A b) {\n}\n")
        self.assertEqual([(f, l) for _, f, l in found(source)], [(1, 4), (5, 6), (7, 8), (9, 10)])

    def test_initialisers_are_no_functions(self):
        source = ("constexpr std::array<int, 2> k = {\n1,\n2};\nstatic const Options o{.f = g(),\n.x = 1};\n"
                  "enum class E : uint8_t {\n a,\n b };\ntemplate <class T>\nconcept C = requires(T t) {\n{ t.x() };\n};\n")
        self.assertEqual(found(source), [])

    def test_arguments_with_braces_and_defaults(self):
        self.assertEqual(found("void f(A a = {}, B b = [] { return 1; }()) {\n}\n"), [("f", 1, 2)])

    def test_a_struct_as_return_type_is_a_function(self):
        self.assertEqual(found("struct stat load(int x) {\n}\n"), [("load", 1, 2)])

    def test_both_branches_of_a_condition_open_one_brace(self):
        source = "#if A\nvoid f(int) {\n#else\nvoid f(long) {\n#endif\n}\nvoid g() {\n}\n"
        self.assertEqual(found(source), [("f", 2, 6), ("g", 7, 8)])

    def test_macros_are_not_read(self):
        self.assertEqual(found("#define M(x) \\\n    do { \\\n    } while (0\nvoid f() {\n}\n"), [("f", 4, 5)])

    def test_test_macros_are_functions(self):
        self.assertEqual(found('TEST(A, B) {\n    f("}");\n}\n'), [("TEST", 1, 3)])

    def test_extern_c(self):
        self.assertEqual(found('extern "C" int f(int x) {\n}\nextern "C" {\nint g() {\n}\n}\n')[-1], ("g", 4, 5))


if __name__ == "__main__":
    unittest.main()
