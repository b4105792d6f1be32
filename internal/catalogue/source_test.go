package catalogue_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

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
