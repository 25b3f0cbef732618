#!/usr/bin/env python3
"""Record the captures of this folder: real programs talking to each other in network namespaces of their own.

    sudo python captures/record.py             record all of them again, and write README.md
    sudo python captures/record.py NAME ...    record these ones
    python captures/record.py --readme         only write README.md

Needs Linux, root, and iproute2, tcpdump, dumpcap, nginx, dnsmasq, fcgiwrap, curl, dig, gunicorn and
Werkzeug. Nothing outside the namespaces is touched: the script runs itself again in new network and mount
namespaces, which vanish when it ends.

One function below is one capture. Its decorator names the file and says what is in it, for README.md.
"""

import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
SERVER_NAMESPACE = "sniff-server"
CLIENT4, SERVER4 = "192.0.2.1", "192.0.2.2"
CLIENT6, SERVER6 = "2001:db8::1", "2001:db8::2"
TUN_CLIENT, TUN_SERVER = "198.51.100.1", "198.51.100.2"
SETTLE_SECONDS = 0.35


class Scenario(NamedTuple):
    """One capture: its file, what README.md says of it, and how it is made."""

    file: str
    about: str
    play: Callable[["Lab"], None]


SCENARIOS: dict[str, Scenario] = {}


def scenario(file: str, about: str) -> Callable[[Callable[["Lab"], None]], Callable[["Lab"], None]]:
    """Register a function that plays one capture."""

    def register(play: Callable[["Lab"], None]) -> Callable[["Lab"], None]:
        SCENARIOS[file.partition(".")[0]] = Scenario(file, " ".join(about.split()), play)
        return play

    return register


def run(*command: str, check: bool = True) -> None:
    """Run a program to its end, quietly."""
    subprocess.run(
        command, check=check, cwd=HERE.parent, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


@contextlib.contextmanager
def running(*command: str, ready: str = "", where: str = "stderr") -> Iterator[None]:
    """A program in the background, until the block ends. Waits until it has written `ready`."""
    with subprocess.Popen(
        command,
        cwd=HERE.parent,  # command lines are recorded: they name files from there
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if where == "stdout" else subprocess.DEVNULL,
        stderr=subprocess.PIPE if where == "stderr" else subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            stream = process.stdout if where == "stdout" else process.stderr
            seen = ""
            while ready and stream is not None and ready not in seen:
                line = stream.readline()
                if not line:
                    raise SystemExit(f"{command[0]} ended before it was ready: {seen.strip()}")
                seen += line
            yield
        finally:
            process.terminate()
            process.wait()


# --- the place where it happens -----------------------------------------------------------------------------------------

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr notice;
events {{ worker_connections 256; }}
http {{
    access_log off; default_type application/octet-stream; server_tokens off; keepalive_timeout 30s;
    types {{ text/html html; text/css css; application/javascript js; application/json json; image/png png; text/plain txt;
             application/xml xml; }}
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    client_header_timeout 1s;
    gzip_types text/css application/javascript application/json; gzip_min_length 100;
    server {{
        listen {server4}:80; listen [{server6}]:80; listen {tun}:80; listen {server4}:8080;
        root {folder}/site;
        location /gzip/ {{ alias {folder}/site/; gzip on; }}
        location /list/ {{ alias {folder}/site/; autoindex on; }}
        location /files/ {{ alias {folder}/site/files/; dav_methods PUT DELETE; }}
        location /moved {{ return 302 /index.html; }}
        location /secret/ {{ auth_basic "staff"; auth_basic_user_file {folder}/passwords; alias {folder}/site/; }}
        location /brief/ {{ alias {folder}/site/; limit_rate 400k; }}
    }}
}}
"""


class Lab:
    """Two namespaces, the links between them, and a site to serve. The script itself stands in the client's namespace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = Path()
        run("ip", "link", "set", "lo", "up")
        run("mount", "-t", "tmpfs", "none", "/run")
        run("ip", "netns", "add", SERVER_NAMESPACE)
        run("ip", "-n", SERVER_NAMESPACE, "link", "set", "lo", "up")
        run("ip", "link", "add", "name", "client0", "type", "veth", "peer", "name", "server0")
        run("ip", "link", "set", "server0", "netns", SERVER_NAMESPACE)
        for inside, device, v4, v6, mac in [
            ([], "client0", CLIENT4, CLIENT6, "02:00:00:00:00:01"),
            (["-n", SERVER_NAMESPACE], "server0", SERVER4, SERVER6, "02:00:00:00:00:02"),
        ]:
            # Without the cap on segmentation offload the captures would show frames of 64 KiB that no wire carries.
            run("ip", *inside, "link", "set", device, "address", mac, "gso_max_size", "1500", "up")
            run("ip", *inside, "addr", "add", f"{v4}/24", "dev", device)
            run("ip", *inside, "addr", "add", f"{v6}/64", "dev", device, "nodad")
        time.sleep(2)  # router solicitations and duplicate address detection pass before anything is recorded
        self.make_site()

    def make_site(self) -> None:
        """Files to serve."""
        site = self.folder / "site"
        (site / "files").mkdir(parents=True)
        words = random.Random(4).choices(
            ["packet", "stream", "segment", "window", "header", "body", "chunk", "query", "answer", "name"], k=60_000
        )
        (site / "index.html").write_text(
            "<!DOCTYPE html>\n<html><head><title>Lab</title>"
            '<link rel="stylesheet" href="style.css"><script src="app.js"></script>'
            "</head>\n<body><h1>Lab</h1>\n"
            + "".join(f"<p>{' '.join(words[i : i + 12])}</p>\n" for i in range(0, 240, 12))
            + "</body></html>\n"
        )
        (site / "style.css").write_text("".join(f".c{i} {{ color: #{i * 4099 % 0xFFFFFF:06x}; }}\n" for i in range(80)))
        (site / "app.js").write_text("".join(f"function f{i}(x) {{ return x + {i}; }}\n" for i in range(60)))
        (site / "data.json").write_text(
            '{"items": [' + ", ".join(f'{{"id": {i}, "word": "{words[i]}"}}' for i in range(50)) + "]}\n"
        )
        (site / "feed.xml").write_text(
            '<?xml version="1.0"?>\n<feed>' + "".join(f"<entry>{w}</entry>" for w in words[:20]) + "</feed>\n"
        )
        (site / "text.txt").write_text(" ".join(words)[:200_000])
        (site / "short.txt").write_text("short\n")
        (site / "empty.txt").write_text("")
        row = b"\0" + b"\x20\x60\xa0" * 32
        chunks = [(b"IHDR", b"\0\0\0\x20\0\0\0\x20\x08\x02\0\0\0"), (b"IDAT", zlib.compress(row * 32)), (b"IEND", b"")]
        (site / "logo.png").write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + b"".join(
                len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
                for kind, data in chunks
            )
        )
        (self.folder / "passwords").write_text("anna:{PLAIN}secret\n")
        self.folder.chmod(0o755)

    # --- recording

    @contextlib.contextmanager
    def record(self, device: str = "client0", *options: str, expression: str = "tcp or udp") -> Iterator[None]:
        """Record what `device` carries while the block runs, with tcpdump."""
        with running(
            "tcpdump",
            "-i",
            device,
            "-Z",
            "root",
            "--immediate-mode",
            "-U",
            "-w",
            str(self.output),
            *options,
            expression,
            ready="listening on",
        ):
            yield
            time.sleep(SETTLE_SECONDS)

    @contextlib.contextmanager
    def record_pcapng(self, device: str = "client0", expression: str = "tcp or udp") -> Iterator[None]:
        """The same with dumpcap, which writes pcapng."""
        with running("dumpcap", "-q", "-i", device, "-f", expression, "-w", str(self.output), ready="File:"):
            time.sleep(SETTLE_SECONDS)
            yield
            time.sleep(3 * SETTLE_SECONDS)

    # --- who talks

    @contextlib.contextmanager
    def nginx(self) -> Iterator[None]:
        """nginx in the server's namespace."""
        (self.folder / "nginx.conf").write_text(
            NGINX.format(folder=self.folder, server4=SERVER4, server6=SERVER6, tun=TUN_SERVER)
        )
        # The server listens on the address of the bad link whether that link is up or not.
        run("ip", "netns", "exec", SERVER_NAMESPACE, "sysctl", "-w", "net.ipv4.ip_nonlocal_bind=1")
        with running("ip", "netns", "exec", SERVER_NAMESPACE, "nginx", "-c", str(self.folder / "nginx.conf")):
            wait_for_port(SERVER4, 80)
            yield

    @contextlib.contextmanager
    def server(self, name: str, port: int = 80) -> Iterator[None]:
        """One of servers.py in the server's namespace."""
        with running(
            "ip", "netns", "exec", SERVER_NAMESPACE, sys.executable, str(HERE / "servers.py"), name, SERVER4, str(port)
        ):
            wait_for_port(SERVER4, port)
            yield

    @contextlib.contextmanager
    def dnsmasq(self, largest: int = 1232) -> Iterator[None]:
        """dnsmasq in the server's namespace; the client's resolver asks it. Longer UDP answers than `largest` are truncated."""
        long_text = [f"--txt-record=long.lab.test,{','.join('x' * 200 + str(i) for i in range(20))}"]
        with running(
            "ip",
            "netns",
            "exec",
            SERVER_NAMESPACE,
            "dnsmasq",
            "--no-daemon",
            "--user=root",
            "--no-resolv",
            "--no-hosts",
            "--log-facility=-",
            f"--listen-address={SERVER4},{SERVER6}",
            "--bind-interfaces",
            "--local=/test/",
            "--local=/arpa/",
            f"--edns-packet-max={largest}",
            f"--address=/www.lab.test/{SERVER4}",
            f"--address=/www.lab.test/{SERVER6}",
            f"--address=/v4.lab.test/{SERVER4}",
            "--host-record=many.lab.test,192.0.2.10",
            "--host-record=many.lab.test,192.0.2.11",
            "--host-record=many.lab.test,192.0.2.12",
            "--host-record=origin.lab.test,192.0.2.2",
            "--cname=alias.lab.test,origin.lab.test",
            "--cname=far.lab.test,alias.lab.test",
            "--txt-record=text.lab.test,v=spf1 -all,second string",
            "--mx-host=lab.test,mail.lab.test,10",
            "--mx-host=lab.test,backup.lab.test,20",
            "--srv-host=_http._tcp.lab.test,origin.lab.test,80,1,5",
            "--ptr-record=2.2.0.192.in-addr.arpa,origin.lab.test",
            "--caa-record=lab.test,0,issue,ca.lab.test",
            "--naptr-record=lab.test,10,20,s,SIP+D2U,,_sip._udp.lab.test",
            "--dns-rr=info.lab.test,13,034142430158",
            *long_text,
            ready="started",
        ):
            (self.folder / "resolv.conf").write_text(f"nameserver {SERVER4}\n")
            run("mount", "--bind", str(self.folder / "resolv.conf"), os.path.realpath("/etc/resolv.conf"))
            try:
                yield
            finally:
                run("umount", os.path.realpath("/etc/resolv.conf"))

    @contextlib.contextmanager
    def bad_link(self) -> Iterator[None]:
        """Devices `sniff0` in both namespaces with badlink.py between them."""
        with running(sys.executable, str(HERE / "badlink.py"), SERVER_NAMESPACE, ready="ready", where="stdout"):
            for inside, own, other in [
                ([], TUN_CLIENT, TUN_SERVER),
                (["-n", SERVER_NAMESPACE], TUN_SERVER, TUN_CLIENT),
            ]:
                run("ip", *inside, "addr", "add", own, "peer", other, "dev", "sniff0")
                run("ip", *inside, "link", "set", "sniff0", "up")
            yield

    def curl(self, *arguments: str) -> None:
        """curl, without looking at its exit status: some scenarios are failures."""
        run("curl", "--silent", "--max-time", "20", "--output", "/dev/null", *arguments, check=False)

    def dig(self, *arguments: str, server: str = SERVER4) -> None:
        """dig, asking the lab's dnsmasq."""
        run("dig", f"@{server}", "+tries=1", *arguments, check=False)


def wait_for_port(address: str, port: int) -> None:
    """Return when somebody listens there."""
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
            time.sleep(SETTLE_SECONDS)
            return
        time.sleep(0.05)
    raise SystemExit(f"nobody listens on {address} port {port}")


def converse(address: str, port: int, *parts: bytes | float) -> None:
    """Send bytes as they are, pausing where a number stands, and read until the server closes."""
    with socket.create_connection((address, port), 5) as connection:
        connection.settimeout(5)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            if isinstance(part, bytes):
                connection.sendall(part)
            else:
                time.sleep(part)
        with contextlib.suppress(OSError):
            while connection.recv(65536):
                pass


def urls(*paths: str, host: str = SERVER4) -> list[str]:
    """URLs of the lab's server; curl needs one --output for each."""
    return [word for path in paths for word in (f"http://{host}{path}", "--output", "/dev/null")]


# --- nginx --------------------------------------------------------------------------------------------------------------


@scenario(
    "nginx-keepalive.pcap",
    "nginx answers curl: page, style sheet, script, JSON, XML, picture and an empty file over one kept-alive connection",
)
def nginx_keepalive(lab: Lab) -> None:
    with lab.nginx(), lab.record():
        lab.curl(
            *urls(
                "/index.html",
                "/style.css",
                "/app.js",
                "/data.json",
                "/feed.xml",
                "/logo.png",
                "/empty.txt",
                "/short.txt",
            )
        )


@scenario("nginx-gzip.pcap", "nginx compresses: gzip with chunked framing, and the same files without")
def nginx_gzip(lab: Lab) -> None:
    with lab.nginx(), lab.record():
        lab.curl(
            "--compressed",
            *urls("/gzip/index.html", "/gzip/style.css", "/gzip/app.js", "/gzip/data.json", "/gzip/logo.png"),
        )
        lab.curl(*urls("/gzip/index.html"))


@scenario(
    "nginx-methods.pcap",
    "nginx and HEAD, 404, 302 and 301 followed by curl, OPTIONS (405), PUT (201), PUT again (204), DELETE, an unknown method",
)
def nginx_methods(lab: Lab) -> None:
    with lab.nginx(), lab.record():
        lab.curl("--head", *urls("/index.html"))
        lab.curl(*urls("/nothing-here.html"))
        lab.curl("--location", *urls("/moved"))
        lab.curl("--location", *urls("/files"))
        lab.curl("--request", "OPTIONS", *urls("/index.html"))
        for _ in range(2):
            lab.curl("--upload-file", str(lab.folder / "site/short.txt"), *urls("/files/new.txt"))
        lab.curl("--request", "DELETE", *urls("/files/new.txt"))
        lab.curl("--request", "BREW", *urls("/pot"))
        lab.curl("--request", "POST", "--data", "a=1", *urls("/index.html"))


@scenario(
    "nginx-conditional.pcap",
    "nginx: 304 for a known ETag and for If-Modified-Since, 412, ranges (206, several ranges as multipart/byteranges, 416)",
)
def nginx_conditional(lab: Lab) -> None:
    with lab.nginx(), lab.record():
        lab.curl("--etag-save", str(lab.folder / "etag"), *urls("/style.css"))
        lab.curl("--etag-compare", str(lab.folder / "etag"), *urls("/style.css"))
        lab.curl("--time-cond", str(lab.folder / "site/style.css"), *urls("/style.css"))
        lab.curl("--header", 'If-Match: "other"', *urls("/style.css"))
        lab.curl("--range", "100-299", *urls("/text.txt"))
        lab.curl("--range", "0-9,50-59,-10", *urls("/text.txt"))
        lab.curl("--range", "900000-", *urls("/text.txt"))


@scenario(
    "nginx-pipelining.pcap",
    "five requests in one segment to nginx, then two requests cut in the middle of a head, one byte a segment at the end",
)
def nginx_pipelining(lab: Lab) -> None:
    with lab.nginx(), lab.record():
        request = b"GET /%s HTTP/1.1\r\nHost: lab.test\r\n\r\n"
        last = b"GET /empty.txt HTTP/1.1\r\nHost: lab.test\r\nConnection: close\r\n\r\n"
        names = [b"short.txt", b"data.json", b"nothing", b"style.css"]
        converse(SERVER4, 80, b"".join(request % name for name in names) + last)
        whole = request % b"short.txt"
        drops = [part for byte in last for part in (bytes([byte]), 0.002)]
        converse(SERVER4, 80, whole[:9], 0.05, whole[9:] + whole[:30], 0.05, whole[30:], 0.05, *drops)


@scenario(
    "nginx-errors.pcap",
    """nginx: 401, 200 and 401 with Basic credentials, 400 for a missing Host and a broken request line, 414, 505, a request
    that never ends""",
)
def nginx_errors(lab: Lab) -> None:
    with lab.nginx(), lab.record():
        lab.curl(*urls("/secret/short.txt"))
        lab.curl("--user", "anna:secret", *urls("/secret/short.txt"))
        lab.curl("--user", "anna:wrong", *urls("/secret/short.txt"))
        converse(SERVER4, 80, b"GET / HTTP/1.1\r\n\r\n")
        converse(SERVER4, 80, b"GE(T / HTTP/1.1\r\n\r\n")
        converse(SERVER4, 80, b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: lab.test\r\n\r\n")
        converse(SERVER4, 80, b"GET / HTTP/3.7\r\nHost: lab.test\r\n\r\n")
        converse(SERVER4, 80, b"GET /index.html HTTP/1.1\r\nHost: lab.t")


@scenario("nginx-large.pcap", "nginx sends 200 KB at a limited rate: many segments, window updates, one message")
def nginx_large(lab: Lab) -> None:
    with lab.nginx(), lab.record():
        lab.curl(*urls("/brief/text.txt"))


@scenario("nginx-ipv6.pcap", "nginx and curl over IPv6: a page and a 404")
def nginx_ipv6(lab: Lab) -> None:
    with lab.nginx(), lab.record():
        lab.curl(*urls("/index.html", "/missing", host=f"[{SERVER6}]"))


@scenario(
    "nginx-parallel.pcapng", "curl fetches twelve files over several connections at once; recorded by dumpcap as pcapng"
)
def nginx_parallel(lab: Lab) -> None:
    with lab.nginx(), lab.record_pcapng():
        lab.curl(
            "--parallel",
            "--parallel-immediate",
            "--parallel-max",
            "4",
            *urls(*["/index.html", "/style.css", "/data.json"] * 4),
        )


@scenario(
    "nginx-lossy.pcap",
    """a download over a link that loses, repeats, reorders and delays packets: retransmissions, duplicate ACKs, segments out of
    order; bare IP packets (link type raw)""",
)
def nginx_lossy(lab: Lab) -> None:
    with lab.nginx(), lab.bad_link(), lab.record("sniff0"):
        lab.curl(*urls("/index.html", "/text.txt", "/style.css", host=TUN_SERVER))


@scenario(
    "nginx-lossy-sender.pcap",
    "the same kind of link, recorded at the server's end: the lost segments are in the capture, and so are their copies",
)
def nginx_lossy_sender(lab: Lab) -> None:
    with lab.nginx(), lab.bad_link():
        recorder = [
            "ip",
            "netns",
            "exec",
            SERVER_NAMESPACE,
            "tcpdump",
            "-i",
            "sniff0",
            "-Z",
            "root",
            "--immediate-mode",
            "-U",
            "-w",
            str(lab.output),
            "tcp or udp",
        ]
        with running(*recorder, ready="listening on"):
            lab.curl(*urls("/text.txt", "/data.json", host=TUN_SERVER))
            time.sleep(SETTLE_SECONDS)


@scenario("nginx-snaplen.pcap", "a page and a picture, recorded with a snapshot length of 96 bytes")
def nginx_snaplen(lab: Lab) -> None:
    with lab.nginx(), lab.record("client0", "-s", "96"):
        lab.curl(*urls("/index.html", "/logo.png", "/short.txt"))


@scenario("nginx-nanoseconds.pcap", "a page on port 8080, recorded with nanosecond time stamps")
def nginx_nanoseconds(lab: Lab) -> None:
    with lab.nginx(), lab.record("client0", "--time-stamp-precision=nano"):
        lab.curl(*urls("/index.html", "/style.css", host=f"{SERVER4}:8080"))


@scenario("nginx-any-sll.pcap", "recorded on all interfaces at once: Linux cooked headers, version 1")
def nginx_any_sll(lab: Lab) -> None:
    with lab.nginx(), lab.record("any", "-y", "LINUX_SLL"):
        lab.curl(*urls("/index.html", "/missing"))


@scenario("nginx-any-sll2.pcap", "the same with Linux cooked headers, version 2")
def nginx_any_sll2(lab: Lab) -> None:
    with lab.nginx(), lab.record("any", "-y", "LINUX_SLL2"):
        lab.curl(*urls("/data.json", "/missing"))


# --- Python servers -----------------------------------------------------------------------------------------------------


@scenario(
    "python-http-server.pcap",
    """`python -m http.server` on loopback: a listing, a file, HEAD and 404, each in a connection of its own that ends the
    body (HTTP/1.0)""",
)
def python_http_server(lab: Lab) -> None:
    with running(
        sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(lab.folder / "site"), "8000"
    ):
        wait_for_port("127.0.0.1", 8000)
        with lab.record("lo"):
            for path in ["/", "/index.html", "/text.txt", "/missing"]:
                lab.curl(f"http://127.0.0.1:8000{path}")
            lab.curl("--head", "http://127.0.0.1:8000/style.css")


@scenario(
    "python-forms.pcap",
    "curl posts a form, multipart with a file, JSON, a chunked body, PUT and PATCH to a Python server that answers JSON",
)
def python_forms(lab: Lab) -> None:
    with lab.server("forms"), lab.record():
        lab.curl("--data", "name=anna&city=K%C3%B6ln&empty=", *urls("/form"))
        lab.curl(
            "--form", "name=anna", "--form", f"file=@{lab.folder / 'site/logo.png'};type=image/png", *urls("/upload")
        )
        lab.curl(
            "--header",
            "Content-Type: application/json",
            "--data",
            '{"name": "anna", "tags": ["a", "b"]}',
            *urls("/json"),
        )
        lab.curl(
            "--header",
            "Transfer-Encoding: chunked",
            "--data-binary",
            f"@{lab.folder / 'site/data.json'}",
            *urls("/chunked"),
        )
        lab.curl("--request", "PATCH", "--data", "x=1", *urls("/form"))
        lab.curl("--upload-file", str(lab.folder / "site/style.css"), *urls("/style.css"))


@scenario(
    "python-expect.pcap", "Expect: 100-continue: once the body is asked for (100, then 201), once it is refused (413)"
)
def python_expect(lab: Lab) -> None:
    with lab.server("forms"), lab.record():
        for path in ["/form", "/closed"]:
            lab.curl(
                "--header", "Expect: 100-continue", "--data-binary", f"@{lab.folder / 'site/style.css'}", *urls(path)
            )


@scenario("python-slow.pcap", "a Python server that thinks for 1.2 seconds, and one that sends a word a packet")
def python_slow(lab: Lab) -> None:
    with lab.server("slow"), lab.record():
        lab.curl(*urls("/wait", "/drip"))


@scenario("python-chunks.pcap", "chunked bodies: plain, with chunk extensions, with trailers, as HTML")
def python_chunks(lab: Lab) -> None:
    with lab.server("chunks"), lab.record():
        lab.curl(*urls("/plain", "/extension", "/trailer", "/page.html"))


@scenario("python-broken.pcap", "bodies that end too early: by FIN and by RST; and a port where nobody listens")
def python_broken(lab: Lab) -> None:
    with lab.server("broken"), lab.record():
        lab.curl(*urls("/short"))
        lab.curl(*urls("/reset"))
        lab.curl(*urls("/", host=f"{SERVER4}:81"))


@scenario(
    "python-proxy.pcap",
    "a forward proxy on port 3128: GET with an absolute URI, then CONNECT and a conversation that is no HTTP inside the tunnel",
)
def python_proxy(lab: Lab) -> None:
    with lab.server("echo", 7007), lab.server("proxy", 3128), lab.record():
        lab.curl("--proxy", f"{SERVER4}:3128", "http://www.lab.test/page?x=1")
        with socket.create_connection((SERVER4, 3128), 5) as connection:
            connection.sendall(f"CONNECT {SERVER4}:7007 HTTP/1.1\r\nHost: {SERVER4}:7007\r\n\r\n".encode())
            connection.recv(4096)
            for line in [b"\x00\x01 not http\n", b"bye\n"]:
                connection.sendall(line)
                connection.recv(4096)


# --- DNS ----------------------------------------------------------------------------------------------------------------


@scenario(
    "dnsmasq-dig.pcap",
    """dnsmasq answers dig: A, AAAA, several addresses, a chain of CNAMEs, NXDOMAIN, no data, TXT, MX, PTR, SRV, CAA, NAPTR,
    SOA, ANY; with and without EDNS""",
)
def dnsmasq_dig(lab: Lab) -> None:
    with lab.dnsmasq(), lab.record():
        for question in [
            ["www.lab.test", "A"],
            ["www.lab.test", "AAAA"],
            ["many.lab.test", "A"],
            ["far.lab.test", "A"],
            ["alias.lab.test", "CNAME"],
            ["nobody.lab.test", "A"],
            ["many.lab.test", "AAAA"],
            ["text.lab.test", "TXT"],
            ["lab.test", "MX"],
            ["-x", SERVER4],
            ["_http._tcp.lab.test", "SRV"],
            ["lab.test", "CAA"],
            ["lab.test", "NAPTR"],
            ["info.lab.test", "HINFO"],
            ["lab.test", "SOA"],
            ["www.lab.test", "ANY"],
            ["www.lab.test", "A", "+noedns"],
            ["www.lab.test", "A", "+norecurse", "+dnssec", "+nocookie"],
            ["www.elsewhere.example", "A"],
            ["WwW.lAb.TeSt", "A"],
            ["www.lab.test", "TYPE65"],
            ["www.lab.test", "CH", "TXT"],
            ["version.bind", "CH", "TXT"],
        ]:
            lab.dig(*question)


@scenario("dnsmasq-tcp.pcap", "DNS over TCP: asked for, and after a truncated answer over UDP")
def dnsmasq_tcp(lab: Lab) -> None:
    with lab.dnsmasq(), lab.record():
        lab.dig("+tcp", "many.lab.test", "A")
        lab.dig("long.lab.test", "TXT")
        lab.dig("+tcp", "+keepopen", "www.lab.test", "A", "www.lab.test", "AAAA", "nobody.lab.test", "MX")


@scenario("dnsmasq-ipv6.pcap", "dig asks over IPv6")
def dnsmasq_ipv6(lab: Lab) -> None:
    with lab.dnsmasq(), lab.record():
        lab.dig("www.lab.test", "AAAA", server=SERVER6)
        lab.dig("2.2.0.192.in-addr.arpa", "PTR", server=SERVER6)


@scenario("dnsmasq-fragments.pcap", "an answer of 4 KB over UDP, in IP fragments: over IPv4 and over IPv6")
def dnsmasq_fragments(lab: Lab) -> None:
    with lab.dnsmasq(largest=8192), lab.record(expression="ip or ip6 and not icmp6"):
        lab.dig("+bufsize=8192", "long.lab.test", "TXT")
        lab.dig("+bufsize=8192", "long.lab.test", "TXT", server=SERVER6)


@scenario(
    "dig-unreachable.pcap",
    "dig asks where nobody listens: ICMP port unreachable, over IPv4 and over IPv6, and a refused connection",
)
def dig_unreachable(lab: Lab) -> None:
    with lab.record(expression="tcp or udp or icmp or (icmp6 and ip6[40] == 1)"):
        for server in [SERVER4, SERVER6]:
            run("dig", f"@{server}", "+tries=2", "+timeout=1", "www.lab.test", "A", check=False)
        run("dig", f"@{SERVER4}", "+tcp", "+tries=1", "www.lab.test", "A", check=False)


@scenario(
    "browse.pcapng",
    """who asked for what: curl looks names up in dnsmasq and fetches pages from nginx, over IPv4 and IPv6; recorded by
    dumpcap as pcapng""",
)
def browse(lab: Lab) -> None:
    with lab.dnsmasq(), lab.nginx(), lab.record_pcapng():
        lab.curl(*urls("/index.html", "/style.css", "/app.js", host="www.lab.test"))
        lab.curl("--ipv4", "--compressed", *urls("/gzip/index.html", host="far.lab.test"))
        lab.curl(*urls("/", host="nobody.lab.test"))
        lab.curl("--ipv4", "--location", *urls("/moved", host="v4.lab.test"))


# --- programs that talk to each other on one machine, recorded by sniff -------------------------------------------------

GATEWAY = """
daemon off; master_process off; worker_processes 1; user root; pid {folder}/gateway.pid; error_log stderr notice;
events {{ worker_connections 64; }}
http {{
    access_log off; server_tokens off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:8080;
        location /app/ {{ proxy_pass http://127.0.0.1:8001/; proxy_set_header Host $http_host; }}
        location /files/ {{ alias {folder}/site/; types {{ text/html html; text/css css; }} }}
        location /scgi/ {{ include /etc/nginx/scgi_params; scgi_pass 127.0.0.1:4000; }}
        location /uwsgi/ {{
            rewrite ^/uwsgi(/.*) $1 break;
            include /etc/nginx/uwsgi_params; uwsgi_pass 127.0.0.1:3031;
        }}
        location / {{
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME {folder}/cgi$fastcgi_script_name;
            fastcgi_pass 127.0.0.1:9000;
        }}
    }}
}}
"""

GUNICORN = ["python", "-m", "gunicorn", "--chdir", "captures", "--no-control-socket", "programs:application"]
"""In the folder above this one."""

SCRIPT = """#!/bin/sh
test "$REQUEST_METHOD" = POST && echo "Status: 201 Created"
echo "Content-Type: text/plain; charset=utf-8"
echo
echo "$REQUEST_METHOD $REQUEST_URI from $REMOTE_ADDR"
cat
echo "the script was here" >&2
"""


@contextlib.contextmanager
def sniffing(lab: Lab, *ports: int) -> Iterator[None]:
    """Record these ports of loopback with sniff itself, with the processes that talk to each other."""
    expression = " or ".join(f"port {port}" for port in ports)
    command = ("live", "-i", "lo", "--process", "--format", "tabs", "-o", "/dev/null", "-w", str(lab.output), expression)
    with running(sys.executable, "-m", "sniff", *command, ready="capturing on"):
        time.sleep(2 * SETTLE_SECONDS)  # the processes have been looked at by then
        yield
        time.sleep(SETTLE_SECONDS)


@contextlib.contextmanager
def program(name: str, port: int) -> Iterator[None]:
    """One of programs.py."""
    with running("python", "captures/programs.py", name, str(port)):
        wait_for_port("127.0.0.1", port)
        yield


@contextlib.contextmanager
def gateway(lab: Lab) -> Iterator[None]:
    """nginx in front of what listens on ports 8001 (HTTP) and 9000 (FastCGI)."""
    (lab.folder / "gateway.conf").write_text(GATEWAY.format(folder=lab.folder))
    with running("nginx", "-c", str(lab.folder / "gateway.conf")):
        wait_for_port("127.0.0.1", 8080)
        yield


@scenario(
    "sockets-echo.pcapng",
    "a TCP server on sockets and two clients at once, no HTTP: each line comes back in capitals",
)
def sockets_echo(lab: Lab) -> None:
    with program("echo", 50007), sniffing(lab, 50007):
        clients = [socket.create_connection(("127.0.0.1", 50007), 5) for _client in range(2)]
        for words in (b"first line\n", b"second line\n"):
            time.sleep(0.05)
            for client in clients:
                client.sendall(words)
                client.recv(100)
        for client in clients:
            client.close()


@scenario("python-events.pcapng", "a Python server that waits for all clients at once with epoll, and three curls")
def python_events(lab: Lab) -> None:
    with program("events", 8002), sniffing(lab, 8002):
        for path in ("one", "two", "three"):
            lab.curl(f"http://127.0.0.1:8002/{path}")


@scenario(
    "nginx-fastcgi.pcapng",
    """nginx hands requests to fcgiwrap, which runs a CGI script: HTTP in front (port 8080), FastCGI behind (port 9000), with
    a form, a complaint on standard error, and a script that is not there""",
)
def nginx_fastcgi(lab: Lab) -> None:
    (lab.folder / "cgi").mkdir(exist_ok=True)
    script = lab.folder / "cgi" / "hello.cgi"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    with running("fcgiwrap", "-f", "-s", "tcp:127.0.0.1:9000"), gateway(lab), sniffing(lab, 8080, 9000):
        lab.curl("http://127.0.0.1:8080/hello.cgi?x=1")
        lab.curl("http://127.0.0.1:8080/hello.cgi", "--data-urlencode", "name=евпатий")
        lab.curl("http://127.0.0.1:8080/nothing.cgi")


@scenario(
    "nginx-gunicorn.pcapng",
    """nginx (port 8080) in front of gunicorn with two workers (port 8001) that run a small Werkzeug application: a form, a
    cookie, JSON, 404""",
)
def nginx_gunicorn(lab: Lab) -> None:
    with running(*GUNICORN, "--workers", "2", "--bind", "127.0.0.1:8001"), gateway(lab):
        wait_for_port("127.0.0.1", 8001)
        with sniffing(lab, 8080, 8001):
            url = "http://127.0.0.1:8080/app"
            lab.curl(f"{url}/bigdata", "--data-urlencode", "name=евпатий")
            for _turn in range(3):  # both workers answer
                lab.curl(f"{url}/numbers?slow=1", "--cookie", "name=big")
            lab.curl(f"{url}/nothing")


@scenario(
    "nginx-uwsgi.pcapng",
    "the same application behind nginx over uwsgi (port 3031): binary variables in, HTTP out",
)
def nginx_uwsgi(lab: Lab) -> None:
    with running(*GUNICORN, "--protocol", "uwsgi", "--bind", "127.0.0.1:3031"), gateway(lab):
        wait_for_port("127.0.0.1", 3031)
        with sniffing(lab, 8080, 3031):
            lab.curl("http://127.0.0.1:8080/uwsgi/bigdata", "--data-urlencode", "name=евпатий")
            lab.curl("http://127.0.0.1:8080/uwsgi/numbers?from=1")


@scenario("nginx-scgi.pcapng", "a small Python application behind nginx over SCGI (port 4000): a page, and a form")
def nginx_scgi(lab: Lab) -> None:
    with program("scgi", 4000), gateway(lab), sniffing(lab, 8080, 4000):
        lab.curl("http://127.0.0.1:8080/scgi/page?x=1")
        lab.curl("http://127.0.0.1:8080/scgi/form", "--data-urlencode", "name=евпатий")


@scenario("nginx-files.pcapng", "nginx serves files on loopback: a page, a style sheet, and one that is not there")
def nginx_files(lab: Lab) -> None:
    with gateway(lab), sniffing(lab, 8080):
        lab.curl(*urls("/files/index.html", "/files/style.css", "/files/nothing.html", host="127.0.0.1:8080"))


@scenario(
    "python-fetch.pcapng",
    "`python -m http.server` on loopback and who fetches from it: curl, and Python's urllib",
)
def python_fetch(lab: Lab) -> None:
    site = str(lab.folder / "site")
    with running("python", "-m", "http.server", "8000", "--bind", "127.0.0.1", "--directory", site):
        wait_for_port("127.0.0.1", 8000)
        with sniffing(lab, 8000):
            lab.curl("http://127.0.0.1:8000/short.txt")
            fetch = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/data.json').read()"
            run("python", "-c", fetch)
            lab.curl("--head", "http://127.0.0.1:8000/nothing")


@scenario("dnsmasq-address.pcapng", "curl looks a name up in dnsmasq, then asks a service there for its own address")
def dnsmasq_address(lab: Lab) -> None:
    with program("address", 8003), running(
        "dnsmasq", "--no-daemon", "--user=root", "--no-resolv", "--no-hosts", "--log-facility=-", "--bind-interfaces",
        "--listen-address=127.0.0.1", "--address=/ip.lab.test/127.0.0.1", "--local=/test/", ready="started",
    ):
        (lab.folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        run("mount", "--bind", str(lab.folder / "resolv.conf"), os.path.realpath("/etc/resolv.conf"))
        try:
            with sniffing(lab, 53, 8003):
                lab.curl("--ipv4", "--include", "http://ip.lab.test:8003/")
        finally:
            run("umount", os.path.realpath("/etc/resolv.conf"))


# --- all of it ----------------------------------------------------------------------------------------------------------


def write_readme() -> None:
    """README.md: a line for each capture."""
    lines = [
        "# Captures",
        "",
        "Small captures to try things with, and what the tests read. All of them can be made again:",
        "",
        "- `neverssl.pcap` is written by `make_neverssl.py` with scapy: a DNS lookup of neverssl.com and one page fetched",
        "  from it, in ten packets.",
        "- All others are recordings of real programs talking to each other in network namespaces of their own, made by",
        "  `sudo python captures/record.py` with tcpdump, dumpcap or sniff. One function of that script is one capture.",
        "  `servers.py` and `programs.py` hold the small Python programs it starts, `badlink.py` the link that loses packets.",
        "",
        "| capture | what is in it |",
        "|---|---|",
        "| `neverssl.pcap` | a DNS query, its response with four addresses, and a chunked page over HTTP |",
        *(f"| `{item.file}` | {item.about} |" for item in SCENARIOS.values()),
    ]
    (HERE / "README.md").write_text("\n".join(lines) + "\n")


def main(arguments: list[str]) -> None:
    """Record the scenarios named, or all."""
    if arguments == ["--readme"]:
        write_readme()
        return
    unknown = [name for name in arguments if name not in SCENARIOS]
    if unknown:
        raise SystemExit(
            f"no such scenario: {', '.join(unknown)}\n" + textwrap.fill(f"There are: {', '.join(SCENARIOS)}", 100)
        )
    if os.environ.get("SNIFF_RECORD_INSIDE") != "1":
        command = ["unshare", "--net", "--mount", sys.executable, __file__, *arguments]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        os.execvpe(command[0], command, {**os.environ, "SNIFF_RECORD_INSIDE": "1", "PATH": path})
    with tempfile.TemporaryDirectory(prefix="sniff-record-") as folder:
        lab = Lab(Path(folder))
        for name in arguments or SCENARIOS:
            lab.output = HERE / SCENARIOS[name].file
            print(lab.output.name, flush=True)
            SCENARIOS[name].play(lab)
    write_readme()


if __name__ == "__main__":
    main(sys.argv[1:])
