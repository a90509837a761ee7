package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// asset is a file that pages load. Its URL has a hash of its content, so that a
// browser may keep it for good.
type asset struct {
	hash, kind string
	plain, zip []byte
}

var assets = readAssets()

func readAssets() map[string]asset {
	all := map[string]asset{}
	must(fs.WalkDir(staticFiles, "static", func(file string, entry fs.DirEntry, err error) error {
		var kind string
		switch path.Ext(file) { // whatever this machine thinks they are
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		default:
			return err
		}
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := staticFiles.ReadFile(file)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		var zipped bytes.Buffer
		writer, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // a level that there is
		_, _ = writer.Write(text)                                       // a buffer takes all
		_ = writer.Close()
		all[strings.TrimPrefix(file, "static/")] = asset{hash: hex.EncodeToString(sum[:8]), kind: kind, plain: text, zip: zipped.Bytes()}
		return nil
	}))
	return all
}

// assetURL is where a file below static/ is served.
func assetURL(name string) string { return Root + "static/" + assets[name].hash + "/" + name }

func serveAsset(w http.ResponseWriter, r *http.Request) {
	file, known := assets[r.PathValue("file")]
	if !known || file.hash != r.PathValue("hash") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", file.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(file.zip)
		return
	}
	_, _ = w.Write(file.plain)
}
