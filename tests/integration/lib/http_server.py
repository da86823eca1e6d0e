"""A real HTTP server for the broker to ask: it answers, hangs, lies and dies as a test wants."""
import http.server
import ssl
import threading


class HttpServer:
    """Serves `body` with `status`, or what `behave` does with the request's handler, at a free port of loopback."""

    def __init__(self, body='', certificates=None, port=0, path='/'):
        self.body, self.status, self.behave = body, 200, None
        self.count = 0  # of requests
        self.connections = 0
        self.changed = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def setup(self):
                super().setup()
                with outer.changed:
                    outer.connections += 1

            def do_GET(self):
                with outer.changed:
                    outer.count += 1
                    outer.changed.notify_all()
                self.asked = self.rfile.read(int(self.headers.get('Content-Length', 0)))
                try:
                    (outer.behave or outer.answer)(self)
                except OSError:
                    self.close_connection = True

            do_POST = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

            def handle_error(self, *_):  # the broker does not like the certificate, or has gone
                pass

        self._server = Server(('127.0.0.1', port), Handler)
        scheme = 'http'
        if certificates:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*certificates)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            scheme = 'https'
        self.port = self._server.server_address[1]
        self.url = f'{scheme}://127.0.0.1:{self.port}{path}'
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, handler, body=None):
        raw = (self.body if body is None else body).encode()
        handler.send_response(self.status)
        if self.status == 302:
            handler.send_header('Location', self.url)
        handler.send_header('Content-Length', str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def wait_for_requests(self, count, seconds=10):
        with self.changed:
            if not self.changed.wait_for(lambda: self.count >= count, seconds):
                raise AssertionError(f'{self.count} requests of {count} in {seconds} s')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Takes no connection any more."""
        self._server.shutdown()
        self._server.server_close()


def half_an_answer(handler):
    """Promises more than it sends, and ends."""
    handler.send_response(200)
    handler.send_header('Content-Length', '1000')
    handler.end_headers()
    handler.wfile.write(b'{"keys":[')
    handler.close_connection = True


def no_http(handler):
    handler.wfile.write(b'hello\r\n\r\n')
    handler.close_connection = True
