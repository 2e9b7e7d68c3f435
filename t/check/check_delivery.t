#!/usr/bin/perl

# pimap-check parks a device by the public address, and finds what keeps a test
# event from it: the login, the publisher, proxies.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Check;

my $t = Pimap->new(mode => '', main => 'worker_shutdown_timeout 1s;');

$t->plan(23);
Pimap::Check->set_up($t);

my ($plain, $proxy) = map { $t->port($_) } qw(http proxy);
my $dir = $t->dir();
my $login = "auth_basic pimap; auth_basic_user_file $dir/htpasswd;";

$t->nginx()->{locations} .= <<"END";
        location = /events {
            $login
            pimap_events;
        }

        location = /zipped {
            $login
            pimap_compress off;
            gzip on;
            gzip_types text/event-stream;
            pimap_events;
        }

        location = /other {
            $login
            pimap_account \$remote_user\@example.com;
            pimap_events;
        }
END
$t->nginx()->{http} .= <<"END";
    server {
        listen 127.0.0.1:$proxy;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host localhost;

        location = /events { proxy_pass http://127.0.0.1:$plain; }

        location = /short {
            proxy_pass http://127.0.0.1:$plain/events;
            proxy_read_timeout 1s;
        }

        location = /buffered {
            proxy_http_version 1.0;
            proxy_set_header Connection close;
            proxy_set_header Host localhost;
            proxy_ignore_headers X-Accel-Buffering;
            proxy_pass http://127.0.0.1:$plain/events;
        }

        location = /zipped {
            proxy_ignore_headers X-Accel-Buffering;
            proxy_set_header Accept-Encoding "";
            gzip on;
            gzip_types text/event-stream;
            proxy_pass http://127.0.0.1:$plain/events;
        }
    }
END
$t->run();
Pimap::Check->ready($t);

# A good way

my $check = Pimap::Check->new(t => $t);

$check->run();
is(join(' ', map { $check->result("delivery.$_") } qw(connect http2 park gzip
    publish log worker device proxy)), join(' ', ('pass') x 9),
    'a test event arrives');
$check->is('delivery.http2', 'pass', qr/HTTP\/1\.1/, qr/^$/,
    '    by HTTP/1.1');

# The login

{
    my $wrong = Pimap::Check->new(t => $t, password => 'wrong');

    $wrong->run();
    $wrong->is('delivery.park:password', 'fail', qr/is 401/, qr/password/,
        'a wrong password');
    unlike($wrong->{text}, qr/"wrong/, '    is not printed');
    Pimap::Check->new(t => $t);
}

# The name in another case

{
    my $case = Pimap::Check->new(t => $t, account => 'Alice');

    $case->run();
    $case->is('delivery.publish', 'pass', qr/to "alice"/, qr/^$/,
        'a login name with a capital letter');
    is(join(' ', map { $case->result("delivery.$_") } qw(log worker device)),
        'pass pass pass', '    gets the event');
}

# Proxies

at("http://localhost:$plain/zipped");
$check->is('delivery.gzip:other', 'fail',
    qr/something else .*gzip/, qr/gzip_types/,
    'nginx compresses the response itself');
at("http://localhost:$proxy/events");
$check->is('delivery.device', 'pass', qr/ms/, qr/^$/, 'a good proxy');
$check->is('delivery.proxy:seen', 'warn', qr/through a proxy/, qr/--hold 310/,
    '    is seen');
at("http://localhost:$proxy/buffered", '--timeout', 1);
$check->is('delivery.park:swallowed', 'fail',
    qr/nothing of the response comes/,
    qr/proxy_buffering off/, 'a proxy that buffers');
at("http://localhost:$proxy/zipped", '--timeout', 1);
$check->is('delivery.park:compressed', 'fail',
    qr/something compresses/, qr/gzip_types/,
    'a proxy that compresses, and buffers that');
at("http://localhost:$proxy/short", '--hold', 20);
$check->is('delivery.hold:closed', 'fail', qr/after [12] s of silence/,
    qr/pimap_ping/, 'a proxy with a short time-out');
at("http://localhost:$plain/events", '--hold', 1);
$check->is('delivery.hold', 'pass', qr/parked for 1 s/, qr/^$/,
    'without a proxy it stays parked');

# The publisher

at("http://localhost:$plain/other");
$check->is('delivery.worker:name', 'fail',
    qr/of "alice": the device is parked as "alice\@example.com"/,
    qr/pimap_account_case/, 'another name for the account');

$t->redis()->command('XTRIM', 'pimap:{alice}', 'MAXLEN', 0);
at();
$check->is('delivery.log', 'pass', qr/-\d+$/, qr/^$/,
    'earlier events are not in the log any more');

my $good = $t->nginx()->conf();

$t->write_file("$dir/nginx.conf", $good
    =~ s/(pimap_redis \S+)/$1 prefix=other/r);
at();
$check->is('delivery.log:missing', 'fail', qr/not in the log/, qr/prefix/,
    'nginx publishes with another prefix');
$t->write_file("$dir/nginx.conf", $good
    =~ s/location = \/pimap\/publish .*//r);
at();
$check->is('delivery.publish', 'pass', qr/FCALL/, qr/^$/,
    'no location to publish: by Redis');
$t->write_file("$dir/nginx.conf", $good
    =~ s/127\.0\.0\.1:$plain ;/127.0.0.1:@{[ $t->port('none') ]};/r);
at();
$check->is('delivery.publish:away', 'fail', qr/refused/i, qr/listen/,
    'nginx does not listen where its configuration says');
$t->nginx()->{locations} =~ s/(pimap_publish;)/deny all; $1/;
$t->reload();
at();
$check->is('delivery.publish:denied', 'fail', qr/answers 403/, qr/allow/,
    'a location that lets this host not in');
$t->nginx()->{locations} =~ s/deny all; (pimap_publish;)/$1/;
$t->reload();

# Without an account

$check->{options} = [];
$check->run('--password-file', '/dev/null', '--account', 'alice');
$check->is('delivery.park:password', 'fail',
    qr/401/, qr/./, 'an empty password');

open(my $pipe, '-|', $t->root() . '/check/pimap-check', '--json', '--conf',
    "$dir/nginx.conf", '--dovecot-conf', "$dir/none", '--ca-file',
    "$dir/cert.pem") or die "$!\n";

my $text = do { local $/; <$pipe> };

like($text, qr/"delivery\.park",\s+"result": "unknown",\s+"text": "nothing/,
    'without --account nothing is parked');
like($text, qr/https:\/\/localhost:@{[ $t->port('push') ]}\/pimap\/events/,
    '    and the address is that of the configuration');
unlike($text, qr/secret/, '    without a secret');


sub at {
    my ($url, @more) = @_;

    $check->{url} = $url;
    $check->run(@more);
}
