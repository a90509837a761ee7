package consoletest

import (
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/chromedp"
)

// picturesDir is where pictures of pages are kept: what CHANCERY_SCREENSHOTS names, or,
// where all tests run, a directory among the temporary ones. Otherwise none are taken.
func picturesDir() string {
	dir := os.Getenv("CHANCERY_SCREENSHOTS")
	if dir == "" && os.Getenv("CHANCERY_TEST_ALL") == "1" {
		dir = filepath.Join(os.TempDir(), "chancery-screenshots")
	}
	return dir
}

// pictures is made for the first one that a run keeps, and told of in that test's log.
var pictures = sync.OnceValues(func() (dir string, err error) {
	dir = picturesDir()
	if dir != "" {
		err = os.MkdirAll(dir, 0o700)
	}
	return dir, err
})

var tellPictures sync.Once

// picture keeps a picture of the whole page, in place of that of an earlier run.
func (b *Browser) picture(name string) {
	b.t.Helper()
	dir, err := pictures()
	if err != nil {
		b.t.Fatalf("where pictures are kept (CHANCERY_SCREENSHOTS names another place): %v", err)
	}
	if dir == "" {
		return
	}
	tellPictures.Do(func() { b.t.Logf("pictures of pages are in %s", dir) })
	const png = 100
	picture := Ask(b, chromedp.FullScreenshot(png))
	if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".png"), picture, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
