package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/leonelquinteros/gotext"

	"hongyan/internal/config"
	"hongyan/internal/lint"
)

func TestCatalogueSaysEverySentenceInChinese(t *testing.T) {
	t.Parallel()
	for key, place := range sentences(t) {
		if _, ok := catalogue()[key]; !ok && wordy(key) {
			t.Errorf("%s: no Chinese for\n%q", place, key)
		}
	}
}

func TestCatalogueHasNoSentenceThatNobodySays(t *testing.T) {
	t.Parallel()
	said := sentences(t)
	for key := range catalogue() {
		if _, ok := said[key]; !ok {
			t.Errorf("nobody says any more\n%q", key)
		}
	}
}

func TestCatalogueKeepsTheValuesOfEverySentence(t *testing.T) {
	t.Parallel()
	for key, chinese := range catalogue() {
		if got, want := verbs(chinese), verbs(key); !maps.Equal(got, want) {
			t.Errorf("%q has the values %v, not %v:\n%q", chinese, got, want, key)
		}
		// pflag takes what stands in backquotes for the name of a flag's value.
		if strings.Count(chinese, "`") != strings.Count(key, "`") {
			t.Errorf("other backquotes than the key\n%q:\n%q", key, chinese)
		}
	}
}

func TestCatalogueHasThePresetsOwnChinese(t *testing.T) {
	t.Parallel()
	presets, err := config.Presets()
	if err != nil {
		t.Fatal(err)
	}
	for name, preset := range presets {
		if got, want := catalogue()[preset.Hint["en"]], preset.Hint["zh"]; got != want {
			t.Errorf("%s: %q, but providers.yaml says %q", name, got, want)
		}
	}
}

func catalogue() map[string]string {
	po := gotext.NewPo()
	po.Parse(chinese)
	out := map[string]string{}
	for key, translation := range po.GetDomain().GetTranslations() {
		if key != "" {
			out[key] = translation.Trs[0]
		}
	}
	return out
}

var verb = regexp.MustCompile(`%[-+# 0-9.]*(?:\[(\d+)\])?([a-zA-Z%])`)

// verbs are the verbs of a format by the value that each shows, from 1.
func verbs(format string) map[int]string {
	out, n := map[int]string{}, 0
	for _, m := range verb.FindAllStringSubmatch(format, -1) {
		if m[2] == "%" {
			continue
		}
		n++
		if m[1] != "" {
			fmt.Sscan(m[1], &n)
		}
		out[n] += m[2]
	}
	return out
}

// wordy reports whether there is something to translate.
func wordy(key string) bool {
	return strings.ContainsFunc(verb.ReplaceAllString(key, ""), unicode.IsLetter)
}

// sentences are all keys that can reach words.say or words.word, each with a
// place where it is written: first the program's own, then those in its data.
func sentences(t *testing.T) map[string]string {
	t.Helper()
	s := readSource(t)
	words := s.pkgs["hongyan/cmd/hongyan"].Scope().Lookup("words").Type().(*types.Named)
	for method := range words.Methods() {
		if slices.Contains([]string{"say", "word"}, method.Name()) {
			s.sink(method, 0)
		}
	}
	presets, err := config.Presets()
	if err != nil {
		t.Fatal(err)
	}
	for _, preset := range presets {
		if hint, ok := preset.Hint["en"]; ok {
			s.keys[hint] = "providers.yaml"
		}
	}
	for _, rule := range lint.Rules() {
		s.keys[rule.Title] = "lint rule " + rule.ID
	}
	for place, what := range s.dark {
		if !strings.Contains(place, "internal/config/build.go") { // a preset's hint
			t.Errorf("%s: %s is no sentence that a reader of the source can know", place, what)
		}
	}
	return s.keys
}

// A source is the program's own code, type-checked without its dependencies,
// and what flows where in it.
type source struct {
	fset *token.FileSet
	pkgs map[string]*types.Package
	info *types.Info

	values  map[types.Object][]ast.Expr // what variables and fields are given
	returns map[types.Object][]ast.Expr
	params  map[types.Object]param
	calls   map[any][]*ast.CallExpr // by what is called
	aliases map[any][]types.Object  // variables that hold a function

	sinks map[param]bool
	seen  map[ast.Expr]bool
	keys  map[string]string // sentence → place
	dark  map[string]string // place → expression whose value cannot be told
}

// A param is the n-th parameter of a function, which is a types.Object or an
// *ast.FuncLit.
type param struct {
	of any
	n  int
}

func readSource(t *testing.T) *source {
	t.Helper()
	s := &source{
		fset: token.NewFileSet(), pkgs: map[string]*types.Package{},
		info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{},
			Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		},
		values: map[types.Object][]ast.Expr{}, returns: map[types.Object][]ast.Expr{}, params: map[types.Object]param{},
		calls: map[any][]*ast.CallExpr{}, aliases: map[any][]types.Object{},
		sinks: map[param]bool{}, seen: map[ast.Expr]bool{}, keys: map[string]string{}, dark: map[string]string{},
	}
	err := filepath.WalkDir(filepath.Join("..", "..", "internal"), func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if entry.Name() == "testdata" {
			return fs.SkipDir
		}
		_, err = s.Import("hongyan/" + strings.TrimPrefix(filepath.ToSlash(dir), "../../"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import("hongyan/cmd/hongyan"); err != nil {
		t.Fatal(err)
	}
	return s
}

// Import reads a package of the program; any other is taken for empty, so that
// what comes from there has no type and is passed over.
func (s *source) Import(name string) (*types.Package, error) {
	if pkg, ok := s.pkgs[name]; ok {
		return pkg, nil
	}
	local, ours := strings.CutPrefix(name, "hongyan/")
	if !ours {
		pkg := types.NewPackage(name, path.Base(name))
		pkg.MarkComplete()
		s.pkgs[name] = pkg
		return pkg, nil
	}
	var files []*ast.File
	paths, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(local), "*.go"))
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(s.fset, p, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	check := types.Config{Importer: s, Error: func(error) {}}
	s.pkgs[name], _ = check.Check(name, s.fset, files, s.info)
	for _, file := range files {
		s.note(file, nil)
	}
	return s.pkgs[name], nil
}

// note writes down what flows where below a node of the function fn.
func (s *source) note(node ast.Node, fn any) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			obj := s.info.Defs[n.Name]
			s.parameters(n.Type, obj)
			if n.Body != nil {
				s.note(n.Body, obj)
			}
			return false
		case *ast.FuncLit:
			s.parameters(n.Type, n)
			s.note(n.Body, n)
			return false
		case *ast.ReturnStmt:
			if obj, ok := fn.(types.Object); ok && len(n.Results) > 0 {
				s.returns[obj] = append(s.returns[obj], n.Results[0])
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if len(n.Rhs) == len(n.Lhs) {
					s.give(s.object(left), n.Rhs[i])
				}
			}
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if len(n.Values) == len(n.Names) {
					s.give(s.info.Defs[name], n.Values[i])
				}
			}
		case *ast.CompositeLit:
			s.fields(n)
		case *ast.CallExpr:
			s.call(n)
		}
		return true
	})
}

func (s *source) parameters(signature *ast.FuncType, of any) {
	n := 0
	for _, field := range signature.Params.List {
		for _, name := range field.Names {
			s.params[s.info.Defs[name]] = param{of, n}
			n++
		}
		n += max(1-len(field.Names), 0)
	}
}

func (s *source) fields(lit *ast.CompositeLit) {
	kind := s.info.Types[lit].Type
	if kind == nil {
		return
	}
	shape, ok := kind.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i, element := range lit.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			s.give(s.object(pair.Key), pair.Value)
			continue
		}
		s.give(shape.Field(i), element)
	}
}

func (s *source) call(call *ast.CallExpr) {
	callee := s.object(call.Fun)
	if callee == nil {
		return
	}
	s.calls[callee] = append(s.calls[callee], call)
	signature, ok := callee.Type().(*types.Signature)
	if !ok {
		return
	}
	for i, arg := range call.Args {
		if i < signature.Params().Len() && s.function(arg) != nil {
			s.give(signature.Params().At(i), arg)
		}
	}
}

// give notes that a variable may have a value, which may be a function.
func (s *source) give(to types.Object, value ast.Expr) {
	if to == nil {
		return
	}
	if fn := s.function(value); fn != nil {
		s.aliases[fn] = append(s.aliases[fn], to)
		return
	}
	s.values[to] = append(s.values[to], value)
}

// function is the function that an expression names or is, or nil.
func (s *source) function(value ast.Expr) any {
	if lit, ok := value.(*ast.FuncLit); ok {
		return lit
	}
	if fn, ok := s.object(value).(*types.Func); ok {
		return fn
	}
	return nil
}

func (s *source) object(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return s.info.ObjectOf(e)
	case *ast.SelectorExpr:
		return s.info.ObjectOf(e.Sel)
	}
	return nil
}

// sink follows a parameter that is said back to whatever it is given.
func (s *source) sink(of any, n int) {
	if s.sinks[param{of, n}] {
		return
	}
	s.sinks[param{of, n}] = true
	for _, alias := range s.aliases[of] {
		s.sink(alias, n)
	}
	for _, call := range s.calls[of] {
		if n < len(call.Args) {
			s.said(call.Args[n])
		}
	}
}

// said collects the sentences that an expression can be.
func (s *source) said(e ast.Expr) {
	e = ast.Unparen(e)
	if s.seen[e] {
		return
	}
	s.seen[e] = true
	place := s.fset.Position(e.Pos()).String()
	if value := s.info.Types[e].Value; value != nil && value.Kind() == constant.String {
		s.keys[constant.StringVal(value)] = place
		return
	}
	if call, ok := e.(*ast.CallExpr); ok && s.result(call) {
		return
	}
	obj := s.object(e)
	if p, ok := s.params[obj]; ok {
		s.sink(p.of, p.n)
	}
	for _, value := range s.values[obj] {
		s.said(value)
	}
	if _, ok := s.params[obj]; !ok && len(s.values[obj]) == 0 {
		s.dark[place] = types.ExprString(e)
	}
}

// result collects what a call returns: the words of a type for string(x), what
// stands behind return for a function of the program.
func (s *source) result(call *ast.CallExpr) bool {
	if s.info.Types[call.Fun].IsType() && len(call.Args) == 1 {
		named, ok := s.info.Types[call.Args[0]].Type.(*types.Named)
		return ok && s.constants(named)
	}
	returned := s.returns[s.object(call.Fun)]
	for _, value := range returned {
		s.said(value)
	}
	return len(returned) > 0
}

// constants collects the package-level words of a type, such as the states.
func (s *source) constants(kind *types.Named) (found bool) {
	scope := kind.Obj().Pkg().Scope()
	for _, name := range scope.Names() {
		if c, ok := scope.Lookup(name).(*types.Const); ok && types.Identical(c.Type(), kind) {
			s.keys[constant.StringVal(c.Val())] = s.fset.Position(c.Pos()).String()
			found = true
		}
	}
	return found
}
