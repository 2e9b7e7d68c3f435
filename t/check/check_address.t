#!/usr/bin/perl

# pimap-check finds faults of the address that devices use: its certificate,
# its protocols, its path, and the answers of whatever is there.

use strict;
use warnings;

use IO::Socket::INET;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Check;

my $t = Pimap->new(mode => '');

$t->plan(16);
Pimap::Check->set_up($t);

my ($plain, $proxy, $old) = map { $t->port($_) } qw(http proxy old);
my $dir = $t->dir();
my $login = "auth_basic pimap; auth_basic_user_file $dir/htpasswd;";

$t->nginx()->{locations} .= <<"END";
        location = /events { $login pimap_events; }
        location = /denied { deny all; pimap_events; }
END
$t->nginx()->{http} .= <<"END";
    server {
        listen 127.0.0.1:$proxy;

        location = /away { proxy_pass http://127.0.0.1:1/; }
        location = /many { return 429; }
        location = /waits { return 504; }
        location = /error { return 500; }
        location = /gone { return 410; }
        location = /later { return 503; }
        location = /text { default_type text/plain; return 200 "x"; }
    }

    server {
        listen 127.0.0.1:$old ssl;
        ssl_protocols TLSv1.2;

        location = /old { $login pimap_hibernate on; pimap_events; }
    }
END
$t->run();
Pimap::Check->ready($t);

my $check = Pimap::Check->new(t => $t);

at("https://localhost:@{[ $t->port('push') ]}/pimap/events", '--ca-file',
    '/etc/ssl/certs/ca-certificates.crt');
$check->is('delivery.connect:certificate', 'fail',
    qr/certificate|self.signed/i,
    qr/--ca-file/, 'a certificate of an unknown authority');
at('https://localhost:' . $t->port('none'));
$check->is('delivery.connect:away', 'fail', qr/refused/i, qr/--url/,
    'no server at the address');
at('https://localhost:' . $t->port('https') . '/events');
$check->is('delivery.http2:http2', 'warn', qr/HTTP\/2/, qr/setup\.md/,
    'a server with HTTP/2');
at("https://localhost:$old/old");
$check->is('delivery.connect:old-tls', 'warn', qr/TLSv1\.2, .* hibernate/,
    qr/ssl_protocols/, 'a server without TLS 1.3');
at("http://localhost:$plain/none");
$check->is('delivery.park:path', 'fail',
    qr/is 404/, qr/--url/, 'a wrong path');
at("http://localhost:$plain/denied");
$check->is('delivery.park:denied', 'fail', qr/is 403/, qr/allow/,
    'the location lets nobody in');
at("http://localhost:$proxy/text");
$check->is('delivery.park:no-events', 'fail',
    qr/no events location/, qr/--url/,
    'another page');
at("http://localhost:$proxy/away");
$check->is('delivery.park:proxy', 'fail', qr/is 502/, qr/proxy/,
    'a proxy that reaches nobody');

at("http://localhost:$proxy/many");
$check->is('delivery.park:too-many', 'fail', qr/is 429/, qr/per_account/,
    'too many devices');
at("http://localhost:$proxy/waits");
$check->is('delivery.park:proxy-waits', 'fail', qr/is 504/, qr/waits in vain/,
    'a proxy that waits in vain');
at("http://localhost:$proxy/error");
$check->is('delivery.park:error', 'fail', qr/is 500/, qr/error log/,
    'an error');
at("http://localhost:$proxy/gone");
$check->is('delivery.park:refused', 'fail', qr/is 410/, qr/error log/,
    'another refusal');
at("http://localhost:$proxy/later");
$check->is('delivery.park:login-away', 'fail', qr/is 503/, qr/pimap-bridge/,
    'a login that can\'t be checked');
$check->is('login.wrong:later', 'warn', qr/503/, qr/later/,
    '    rightly or wrongly');

# A server that knows another protocol only

my $other = $t->start(output => "$dir/openssl.out", command => [qw(openssl
    s_server -quiet -alpn other -cert), ($t->certificate())[0], '-key',
    ($t->certificate())[1], '-accept', $t->port('other')]);

ok($t->wait_for(sub { IO::Socket::INET->new('127.0.0.1:'
    . $t->port('other')) }, 'it'), 'a server without HTTP');
at('https://localhost:' . $t->port('other'), '--timeout', 1);
$check->is('delivery.http2:handshake', 'unknown', qr/knows HTTP\/2: ./,
    qr/error log/, '    refuses those who know HTTP/2');
$t->stop($other);


sub at {
    my ($url, @more) = @_;

    $check->{url} = $url;
    $check->run(@more);
}
