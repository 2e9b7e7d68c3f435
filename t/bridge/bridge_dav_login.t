#!/usr/bin/perl

# Accounts with contacts and calendars only, over TLS: login with the user's
# password, with a token or by a master user, and HTTP/2 where the server has
# it. The bridge sends no login to an invalid certificate or to another
# address. It does not repeat a refused login.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavDevice;
use Pimap::Token;

my $t = Pimap->new(Pimap::DavDevice->nginx());
$t->plan(34);

my $dav = Pimap::Dav->new(t => $t, behind => 1)->start();
my $dir = $t->dir();
my $token = Pimap::Token->new($t)->make(secret => { sub => 'bearer',
    iat => time() - 10, exp => time() + 600 },
    header => { alg => 'HS256', typ => 'JWT', kid => 'default' });
my $basic = sub { 'Basic ' . encode_base64("$_[0]:$_[1]", '') };

# nginx in front of Radicale checks the logins and has TLS and HTTP/2.

my ($https, $http1, $http) = map { $t->port($_) } qw(davs davs1 dav);

$t->nginx()->{http} .= <<END;
    log_format dav '\$dav_user \$server_protocol \$connection \$scheme';
    map \$http_authorization \$dav_user {
        default nobody;
        "~*^Bearer \Q$token\E\$" bearer;
        "@{[ $basic->('boss', 'boss') ]}" \$http_authorize_as;
@{[ join('', map { '"' . $basic->($_, 'secret') . "\" $_;\n" }
    qw(alice http1 any unknown other plain moved)) ]}
    }
    server {
        listen 127.0.0.1:$https ssl http2;
        listen 127.0.0.2:$https ssl http2;
        listen 127.0.0.1:$http1 ssl;
        access_log $dir/dav.log dav;
        location / {
            if (\$dav_user = nobody) {
                return 401;
            }
            proxy_pass @{[ $dav->url() ]};
            proxy_set_header X-Remote-User \$dav_user;
        }
        location = /elsewhere/ {
            return 301 http://localhost:$http/;
        }
    }
    server {
        listen 127.0.0.1:$http;
        access_log $dir/dav.log dav;
    }
END

my ($cert) = $t->certificate();
my $good = "ca_file = \"$cert\"";
my $url = "https://localhost:$https";
my $master = Pimap::Bridge->master();

my @servers = (
    ['alice', '', "url = \"$url\"; $good"],
    ['http1', '', "url = \"https://127.0.0.1:$http1\"; $good"],
    ['bearer', '', "url = \"$url\"; $good"],
    ['carol', $master, "url = \"$url\"; $good; master_user = \"boss\"; "
        . 'master_password = "boss"'],
    ['dave', $master, "url = \"$url\"; $good; master_user = \"boss\"; "
        . 'master_password = "wrong"'],
    ['any', '', "url = \"$url\"; verify = false"],
    ['unknown', '', "url = \"$url\""],
    ['other', '', "url = \"https://127.0.0.2:$https\"; $good"],
    ['plain', '', "url = \"https://127.0.0.1:" . $t->port('radicale')
        . "\"; $good"],
    ['moved', '', "url = \"$url\"; path = \"/elsewhere/\"; $good"],
    ['refused', '', "url = \"$url\"; $good"],
);

mkdir("$dir/$_") for qw(keys keys/default keys/default/HS256);
$t->write_file("$dir/keys/default/HS256/default",
    encode_base64(Pimap::Token->new($t)->key('secret'), ''));
$t->write_file("$dir/oauth2.conf", <<END);
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=$dir/keys/
username_attribute = sub
END

my $first = Pimap::DavDevice->new(t => $t, user => 'alice',
    servers => join(', ', map {
        "{ match = \"$_->[0]\"; host = \"127.0.0.1\"; port = "
            . $t->port('imap') . "; tls = \"off\"; mail = false; $_->[1] dav "
            . '= { poll_min = "100ms"; poll_max = "100ms"; content = 1000; '
            . "$_->[2]; }; }"
    } @servers), master => 1, main => { '2.3' => <<END, '2.4' => <<END })
auth_mechanisms = plain oauthbearer xoauth2
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = $dir/oauth2.conf
}
END
auth_mechanisms = plain oauthbearer xoauth2
oauth2 {
  introspection_mode = local
  username_attribute = sub
  oauth2_local_validation {
    dict fs {
      fs posix {
        prefix = $dir/keys/
      }
    }
  }
}
passdb oauth2 {
  mechanisms_filter = oauthbearer xoauth2
}
END
    ->start();

my $bridge = $first->bridge();

# For each kind of login: an event and an update.

my %device = map { $_ => $first->of($_,
    $_ eq 'bearer' ? "Bearer $token" : ()) } map { $_->[0] } @servers;

foreach my $user (qw(alice http1 bearer carol)) {
    my $device = $device{$user};
    my $href = "/$user/book/1.vcf";

    $dav->make("/$user/book/", 'addressbook', 'Friends');
    ok($device->park() && $device->wait_watched(),
        "$user: the bridge watches the account");

    $dav->put($href, $dav->card('1', 'Ann'));
    my $change = $device->change('ContactChange', $href);
    like($change->{content}, qr/FN:Ann/, '    the device gets an event');
    is($device->update(update => 'dav.put', href => $href,
        etag => $change->{etag}, text => $dav->card('1', 'Anna'))->{status},
        'done', '    an update is done');
    like($dav->get($href), qr/FN:Anna/, '    the server has its text');

    my $version = $user eq 'http1' ? 'HTTP/1.1' : 'HTTP/2.0';
    is(join(' ', keys(%{ { map { (split)[1] => 1 } asked($user) } })),
        $version, "    by $version");
}

my %connections = map { (split)[2] => 1 } asked('alice');
is(scalar(keys(%connections)), 1, 'many requests share one connection');

# A master user needs no login of the user.

$bridge->stop();
$dav->put('/carol/book/2.vcf', $dav->card('2', 'Bob'));
$bridge->start();
is_deeply([map { $_->{href} } @{ $device{carol}->event('ContactChange')
    ->{changed} }], ['/carol/book/1.vcf', '/carol/book/2.vcf'],
    'carol: a missed change is published without a login');

# Logins that are refused and servers that are not trusted

my %why = (unknown => qr/certificate/, other => qr/certificate|subject name/,
    plain => qr/SSL|TLS/, moved => qr/another port/, refused => qr/: 401/,
    dave => qr/: 401/);

$_->park() for @device{keys(%why)};

foreach my $user (sort(keys(%why))) {
    ok($t->wait_for(sub { said($user) =~ $why{$user} }, $user),
        "$user: the account is not watched") or diag(said($user));
}

is(scalar(asked('unknown', 'other', 'plain')), 0,
    'no login is sent to a server that is not trusted');
is(scalar(grep { / http$/ } asked('moved')), 0,
    'no login is sent to another address');

ok($device{any}->park() && $device{any}->wait_watched(),
    'any: watched without a check of the certificate');
cmp_ok(scalar(asked('nobody')), '<=', 6,
    'a refused login is repeated seldom');
is(scalar(() = $bridge->log() =~ /\[error\].*"refused": DAV: .*401/g), 1,
    '    the log has it once as an error');
unlike($bridge->log(), qr/secret|boss|\Q$token\E|\[(?:alert|crit)\]/,
    'the log has no password');

$bridge->stop();


# The requests of these users that the proxy logged.

sub asked {
    my $users = join('|', @_);
    return grep { /^(?:$users) / } split(/\n/, $t->read_file("$dir/dav.log"));
}


sub said {
    my ($user) = @_;
    return join("\n", $bridge->log() =~ /account "$user": (DAV: .*)/g);
}
