#!/usr/bin/perl

# Redis by TLS: its certificate must be from a trusted authority and for the
# host in the URL, unless verify=off.  Redis may require a client certificate.
# If the verification fails, nginx does not connect and logs the reason.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dns;

my $t = Pimap->new(allow => qr{ SSL_\w+\(\) failed| SSL handshake});
my $redis = $t->redis(port => 1, tls => 1,
    options => ['bind 127.0.0.1 127.0.0.2']);
my $strict = Pimap::Redis->new(t => $t, name => 'strict', port => 1, tls => 1,
    options => ['tls-auth-clients yes']);
my $dns = Pimap::Dns->new(t => $t, name => 'dns', mode => '127.0.0.1');

my $resolver = 'resolver 127.0.0.1:' . $t->port('dns') . ' ipv6=off;';
my ($port, $strict_port) = map { $t->port("$_-tls") } qw(redis strict);
my ($cert, $key) = $t->certificate();
my $other = $t->dir() . '/other.pem';

qx(openssl req -x509 -newkey ec -nodes -pkeyopt ec_paramgen_curve:prime256v1 \\
    -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \\
    -out $other -keyout $other.key 2>&1);

my @good = (
    ['an address', "rediss://127.0.0.1:$port ca=$cert"],
    ['a name', "rediss://localhost:$port ca=$cert"],
    ['verify=off', "rediss://127.0.0.1:$port verify=off"],
    ['verify=off, another host', "rediss://127.0.0.2:$port verify=off"],
    ['a client certificate', "rediss://127.0.0.1:$strict_port ca=$cert "
        . "cert=$cert key=$key", '', $strict],
);

my $lost = qr/\[error\].* pimap (?:lost|cannot connect to) redis: /;
my $hello = qr/TLS handshake failed, /;

my @bad = (
    ['no authority', "rediss://127.0.0.1:$port", qr/${hello}self-signed/],
    ['another authority', "rediss://127.0.0.1:$port ca=$other",
        qr/${hello}self-signed/],
    ['another address', "rediss://127.0.0.2:$port ca=$cert",
        qr/${hello}IP address mismatch/],
    ['another name', "rediss://redis.test:$port ca=$cert",
        qr/${hello}hostname mismatch/, $resolver],
    ['no client certificate', "rediss://127.0.0.1:$strict_port ca=$cert",
        qr/connection closed|write failed/],
    ['TLS to a plain port', 'rediss://127.0.0.1:' . $t->port('redis')
        . " ca=$cert connect_timeout=500ms", qr/connect timed out/],
    ['plain to a TLS port', "redis://127.0.0.1:$port", qr/connection closed/],
);

$t->plan(2 * @good + 4 * @bad);

$_->start() for $dns, $strict;

sub use_redis {
    my ($url, $more) = @_;

    $url .= ' connect_timeout=3s' if $url !~ /connect_timeout/;

    $t->nginx()->{http} = "pimap_redis $url;\npimap_drain 100ms;\n"
        . ($more // '');

    return $t->nginx()->{process} ? $t->reload() : $t->run();
}

for my $way (@good) {
    my ($name, $url, $more, $server) = @$way;

    use_redis($url, $more);

    my $s = $t->park('alice');

    $s->read_until(qr/: parked\n.*\n\n/);

    ok($t->wait_ready(), "$name: ready");

    $t->wait_for(sub { ($server // $redis)->numsub('alice') },
        "subscription of $name");
    ($server // $redis)->publish('alice', { event => 'One' });
    is(($s->event() // {})->{event}, 'One', "$name: delivered");

    $s->close();
}

for my $way (@bad) {
    my ($name, $url, $re, $more) = @$way;

    my $seen = () = $t->log_lines($lost);
    my $connected = () = $t->log_lines(qr/pimap connected to redis/);

    use_redis($url, $more);

    ok($t->wait_for(sub { ($t->worker_status()->{redis}{failures} // 0) > 3 },
        'attempts'), "$name: tried again");

    my @lines = $t->log_lines($lost);

    is(scalar(grep { /$re/ } @lines[$seen .. $#lines]), 1, "$name: said");
    is($#lines, $seen, "$name: one log line");
    is(scalar($t->log_lines(qr/pimap connected to redis/)), $connected,
        "$name: not connected");
}
