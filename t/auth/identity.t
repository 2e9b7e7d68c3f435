#!/usr/bin/perl

# nginx.conf names the account of a device: by the login, an argument, a map or
# auth_request.  A request without an account gets a 401; a name that is too
# long or is not valid text gets a 400.

use strict;
use warnings;

use MIME::Base64;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(http => <<'END');
    map $http_x_token $token_account {
        default "";
        t1      alice;
        t2      "mark smith";
    }
END

$t->nginx()->{locations} .= <<"END";
        location = /default {
            pimap_events;
        }

        location = /basic {
            auth_basic pimap;
            auth_basic_user_file htpasswd;
            pimap_events;
        }

        location = /map {
            pimap_account \$token_account;
            pimap_device \$http_x_device;
            pimap_events;
        }

        location = /mixed {
            pimap_account \$arg_user\@\$arg_domain;
            pimap_events;
        }

        location = /request {
            auth_request /auth;
            auth_request_set \$user \$upstream_http_x_user;
            pimap_account \$user;
            pimap_events;
        }

        location = /auth {
            internal;
            proxy_pass http://127.0.0.1:@{[ $t->port('http') ]}/backend;
        }

        location = /backend {
            if (\$http_authorization = "") {
                return 401;
            }

            add_header X-User carol;
            return 204;
        }

        location /short {
            pimap_account \${Arg_account};
            pimap_max_account_length 8;
            pimap_max_device_length 4;

            location = /short/events {
                pimap_events;
            }

            location = /short/publish {
                pimap_publish;
            }
        }
END

$t->write_file($t->dir() . '/htpasswd', "alice:{PLAIN}s3cret\n");
chmod(0644, $t->dir() . '/htpasswd');

my $e256 = '%C3%A9' x 128;

# path, headers => the account that gets the event
my @good = (
    ['/basic', { Authorization => basic('alice:s3cret') }, 'alice'],
    ['/default', { Authorization => basic('bob:') }, 'bob'],
    ['/events?account=a%40b.org', {}, 'a@b.org'],
    ['/events?account=mark+smith', {}, 'mark smith'],
    ['/events?account=Gr%C3%BC%C3%9Fe', {}, "gr\xc3\xbc\xc3\x9fe"],
    ['/events?account={x}', {}, '{x}'],
    ['/events?account=%7Bx', {}, '{x'],
    ['/events?account=%7B%7D', {}, '{}'],
    ['/events?account=b%7D', {}, 'b}'],
    ['/events?account=a%25b', {}, 'a%b'],
    ['/events?account=a%22b', {}, 'a"b'],
    ['/events?account=' . 'a' x 255, {}, 'a' x 255],
    ['/events?account=a%C2%85b', {}, "a\xc2\x85b"],
    ['/map', { 'X-Token' => 't1' }, 'alice'],
    ['/map', { 'X-Token' => 't2' }, 'mark smith'],
    ['/mixed?user=dave&domain=example.org', {}, 'dave@example.org'],
    ['/request', { Authorization => 'Bearer x' }, 'carol'],
    ['/short/events?account=1234567%38&device=1234', {}, '12345678'],
);

# path, headers, status, detail
my @bad = (
    ['/events', {}, 401, qr/no account/],
    ['/events?account=', {}, 401, qr/no account/],
    ['/default', {}, 401, qr/no account/],
    ['/default', { Authorization => 'Bearer x' }, 401, qr/no account/],
    ['/default', { Authorization => basic(':x') }, 401, qr/no account/],
    ['/map', {}, 401, qr/no account/],
    ['/map', { 'X-Token' => 't3' }, 401, qr/no account/],
    ['/events?account=' . 'a' x 256, {}, 400, qr/account.*longer than/],
    ["/events?account=$e256", {}, 400, qr/account.*longer than/],
    ['/events?account=a%00', {}, 400, qr/account.*control/],
    ['/events?account=a%0Ab', {}, 400, qr/account.*control/],
    ['/events?account=%1F', {}, 400, qr/account.*control/],
    ['/events?account=%7F', {}, 400, qr/account.*control/],
    ['/events?account=%FF', {}, 400, qr/account.*UTF-8/],
    ['/events?account=%C3', {}, 400, qr/account.*UTF-8/],
    ['/events?account=%C0%AF', {}, 400, qr/account.*UTF-8/],
    ['/events?account=%ED%A0%80', {}, 400, qr/account.*UTF-8/],
    ['/events?account=J%C3%FCrgen', {}, 400, qr/account.*UTF-8/],
    ['/events?account=%7D', {}, 400, qr/account begins with "\}"/],
    ['/events?account=%7Db', {}, 400, qr/account begins with "\}"/],
    ['/default', { Authorization => basic('}b:x') }, 400, qr/begins with/],
    ['/events?account=%', {}, 400, qr/account.*percent/],
    ['/events?account=%4x', {}, 400, qr/account.*percent/],
    ['/default', { Authorization => basic("a\tb:") }, 400, qr/control/],
    ['/short/events?account=123456789', {}, 400, qr/account.*longer than/],
    ['/short/events?account=a&device=12345', {}, 400, qr/device.*longer than/],
    ['/events?account=a&device=' . 'd' x 129, {}, 400,
        qr/device.*longer than/],
    ['/events?account=a&device=%0D', {}, 400, qr/device.*control/],
    ['/events?account=a&device=%FE', {}, 400, qr/device.*UTF-8/],
    ['/map', { 'X-Token' => 't1', 'X-Device' => "\xff" }, 400, qr/device/],
);

$t->plan(2 * @good + 4 * @bad + 15);
$t->run();

for (@good) {
    my ($path, $headers, $account) = @$_;
    my $name = substr("$path for $account", 0, 60);

    my $s = $t->request('GET', $path, headers => $headers);

    ok($s->read_until(qr/: parked\n.*\n\n/) && $t->subscribed($account),
        "$name: parked");
    $t->redis()->publish($account, { event => 'MessageNew', to => $name });
    is(($s->event() // {})->{json}{to}, $name, "$name: event");
    $s->close();
}

for (@bad) {
    my ($path, $headers, $status, $detail) = @$_;
    my $name = substr(join(' ', $path, values(%$headers)), 0, 60);

    $name =~ s/[^ -~]/?/g;

    my $got = $t->get($path, headers => $headers);

    is($got->{status}, $status, "$name: status");
    is($got->{json}{status}, $status, "$name: problem");
    like($got->{json}{detail}, $detail, "$name: detail");
    is($got->{head} =~ /^WWW-Authenticate: Basic/m ? 1 : 0,
        $status == 401 && $path eq '/default' ? 1 : 0,
        "$name: a 401 names the way to log in, if nginx knows it");
}

is($t->get('/basic')->{status}, 401, 'without a password, nginx answers 401');
is($t->get('/request')->{status}, 401,
    'auth_request refuses the request: 401');
is($t->get('/events?account=', transport => 'h2')->{json}{status}, 401,
    'no account over HTTP/2');

# The accounts of publishers have the same limits.

my $event = { event => 'MessageNew' };

is($t->publish('%00', $event)->{status}, 400, 'publish: control character');
is($t->publish('a' x 256, $event)->{status}, 400, 'publish: too long');
like($t->publish('%7Db', $event)->{json}{detail}, qr/begins with "\}"/,
    'publish: a closing brace');
like($t->post('/publish', $t->json({ user => '}b', event => 'messageNew',
    folder => 'INBOX', 'imap-uid' => 1, 'imap-uidvalidity' => 1 }))
    ->{json}{detail}, qr/begins with "\}"/, 'OX: a closing brace');
like($t->update('%7Db', [{ id => '1', update => 'x' }])->{json}{detail},
    qr/begins with "\}"/, 'update: a closing brace');
is($t->publish('a' x 255, $event)->{status}, 200, 'publish: long');
is($t->post('/short/publish?account=123456789', $t->json($event))->{status},
    400, 'publish: longer than the limit of the location');


# Two devices of the same name are the same device: the newer connection stays.

supersedes('/events?account=erin&device=My+phone%21', {},
    '/events?account=erin&device=My%20phone!', {}, 'argument');
supersedes('/map', { 'X-Token' => 't1', 'X-Device' => 'tablet' },
    '/map?device=other', { 'X-Token' => 't1', 'X-Device' => 'tablet' },
    'header');

my $one = parked('/events?account=erin');
my $two = parked('/events?account=erin&device=');

$t->redis()->publish('erin', $event);
is(($one->event() // {})->{event}, 'MessageNew',
    'two devices without a name: the first gets the event');
is(($two->event() // {})->{event}, 'MessageNew',
    'two devices without a name: so does the second');
unlike($t->log(), qr/s3cret/, 'no password in the log');


sub basic { 'Basic ' . encode_base64($_[0], '') }


sub parked {
    my ($path, $headers) = @_;

    my $s = $t->request('GET', $path, headers => $headers);
    $s->read_until(qr/: parked\n.*\n\n/);

    return $s;
}


sub supersedes {
    my ($older, $older_headers, $newer, $newer_headers, $name) = @_;

    my $s = parked($older, $older_headers);
    my $n = parked($newer, $newer_headers);

    is(($s->event() // {})->{event}, 'superseded', "device by $name");
}
