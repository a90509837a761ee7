package console

// What the tests of package console_test look at.

// Route is a row of the table of pages.
type Route struct {
	Method, Path string
	Open         bool
}

// Routes lists the table of pages.
func Routes() (list []Route) {
	for _, r := range routes() {
		list = append(list, Route{r.method, r.path, r.open})
	}
	return list
}

// CheckRoutes finds rows that could not work.
var CheckRoutes = checkRoutes

// LocalPath is where a text that names a page of the console leads.
var LocalPath = localPath

// Messages are those of a language, by key.
func Messages(tag string) map[string]string { return languageNamed(tag).messages }
