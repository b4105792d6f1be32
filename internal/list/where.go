package list

import (
	"errors"
	"regexp"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"hongyan/internal/fault"
)

// rowName is what a condition calls the row as a whole: row["a b"].
const rowName = "row"

// filter is a condition on the fields of a row. A column is a variable by its
// name; a field that the row does not have is "".
type filter struct {
	program *vm.Program
	columns []string
}

func parseWhere(o Options, columns []string) (*filter, *fault.Fault) {
	if trim(o.Where) == "" {
		return nil, nil
	}
	f := &filter{columns: columns}
	asked := &askedColumns{known: columns}
	program, err := expr.Compile(o.Where, expr.Env(f.env(nil)), expr.AsBool(), expr.Patch(asked))
	if err != nil {
		return nil, whereFault(o, columns, err)
	}
	if asked.unknown != "" {
		return nil, unknownColumn(o, columns, asked.unknown)
	}
	f.program = program
	return f, nil
}

// env is what the condition sees of a row.
func (f *filter) env(fields map[string]string) map[string]any {
	env := make(map[string]any, len(f.columns)+1)
	for _, column := range f.columns {
		env[column] = fields[column]
	}
	env[rowName] = fields
	return env
}

// keeps tells whether the condition holds; a row on which it cannot be told (a
// number that is none) is a fault and not left out in silence.
func (f *filter) keeps(fields map[string]string) (bool, *fault.Fault) {
	out, err := expr.Run(f.program, f.env(fields))
	if err != nil {
		return false, fault.At("", 0, "where: %s", message(err))
	}
	keep, _ := out.(bool) // AsBool saw to it
	return keep, nil
}

// message returns the first line of an error of expr, without the picture below it.
func message(err error) string {
	if at, ok := errors.AsType[*file.Error](err); ok {
		return at.Message
	}
	return err.Error()
}

func whereFault(o Options, columns []string, err error) *fault.Fault {
	if found := regexp.MustCompile(`^unknown name (\S+)`).FindStringSubmatch(message(err)); found != nil {
		return unknownColumn(o, columns, found[1])
	}
	f := o.fault("where", "where: %s", message(err))
	if at, ok := errors.AsType[*file.Error](err); ok {
		f = o.fault("where", "where: %s (character %d)", at.Message, at.Column+1)
	}
	return f.Hinted(`write it like city == "北京" && int(age) > 30; every field is a text`)
}

func unknownColumn(o Options, columns []string, name string) *fault.Fault {
	f := o.fault("where", "where: the list has no column %q", name)
	if near := fault.Near(name, columns); near != "" {
		return f.Hinted("did you mean %q?", near)
	}
	return f.Hinted(`texts stand in quotes: city == "北京"`)
}

// askedColumns looks for row["…"] with a column that the list does not have.
type askedColumns struct {
	known   []string
	unknown string
}

// Visit implements ast.Visitor.
func (a *askedColumns) Visit(node *ast.Node) {
	member, ok := (*node).(*ast.MemberNode)
	if !ok {
		return
	}
	base, ok := member.Node.(*ast.IdentifierNode)
	name, isText := member.Property.(*ast.StringNode)
	if !ok || !isText || base.Value != rowName {
		return
	}
	if slices.Contains(a.known, name.Value) {
		return
	}
	a.unknown = name.Value
}
