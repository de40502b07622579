"""Serves a folder on this machine: python3 serve.py FOLDER [PORT]

Any static server will do as well; this one knows the type of wasm.
"""

import functools
import http.server
import sys


class Page(http.server.SimpleHTTPRequestHandler):
    """Files of the folder."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".wasm": "application/wasm", ".js": "text/javascript"}

    def end_headers(self):
        # Of what was built anew the browser asks again.
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_):
        pass


def main():
    folder, port = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8000
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Page, directory=folder)) as server:
        print(f"http://localhost:{server.server_port}/ (Ctrl+C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
