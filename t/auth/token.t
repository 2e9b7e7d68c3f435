#!/usr/bin/perl

# A signed token logs a device in: with each algorithm, in the header or in the
# query.  No log contains it.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

my @transports = qw(http https h2);
my @good = ([qw(rsa RS256)], [qw(rsa RS384)], [qw(rsa RS512)],
    [qw(ec256 ES256)], [qw(ec384 ES384)], [qw(ec521 ES512)],
    [qw(secret HS256)], [qw(secret HS384)], [qw(secret HS512)]);

my $t = Pimap->new();
my $token = Pimap::Token->new($t);
my $keys = $token->jwks('keys.json', qw(rsa ec256 ec384 ec521 secret));
my $pem = $token->pem('rsa');

$t->nginx()->{http} = $ENV{PIMAP_HTTP} ? '' : 'pimap_hibernate on;';
$t->nginx()->{locations} = <<"END";
    pimap_token_leeway 10s;

    location = /events {
        pimap_login token;
        pimap_token_key $keys;
        pimap_token_issuer https://login.example.com;
        pimap_token_audience pimap;
        pimap_events;
    }

    location = /pem {
        pimap_login token;
        pimap_token_key $pem;
        pimap_token_claim preferred_username;
        pimap_token_device_claim device;
        pimap_token_types_claim scope;
        pimap_events;
    }

    location = /either {
        pimap_login nginx token;
        pimap_token_key $pem;
        pimap_account \$http_x_user;
        pimap_events;
    }
END

my @used;
my %ours = (sub => 'alice', iss => 'https://login.example.com',
    aud => 'pimap');

$t->plan(@good + 3 * @transports + 35);
$t->run();

for (@good) {
    my ($name, $alg) = @$_;

    is(head('/events', $token->make($name => \%ours, alg => $alg,
        header => { kid => $name, typ => 'JWT' })), 200, $alg);
}

for my $transport (@transports) {
    my $s = $t->request(GET => '/events?device=d', transport => $transport,
        headers => $token->bearer(rsa => \%ours));

    ok($s->read_until(qr/: parked\n.*\n\n/), "$transport: by the header");
    $s->close();

    my $query = $token->make(ec256 => \%ours);
    $s = $t->request(GET => "/events?device=d&access_token=$query",
        transport => $transport);
    push(@used, $query);

    ok($s->read_until(qr/: parked\n.*\n\n/), "$transport: by the query");
    $t->subscribed('alice');
    $t->redis()->publish('alice', { event => 'QuotaExceed' });
    is($s->event()->{event}, 'QuotaExceed', "$transport: an event of alice");
    $s->close();
}

# times may have a fraction; the leeway is 10 s

is(head('/events', $token->make(rsa => { %ours, exp => time() + 60.5,
    nbf => time() + 5, iat => time() + 5 })), 200, 'times within the leeway');
is(head('/events', $token->make(rsa => { %ours, exp => time() - 5 })), 200,
    'expired, but within the leeway');
is(head('/events', $token->make(rsa => { %ours, exp => 1e300 })), 200,
    'a time far in the future');
is(head('/events', $token->make(rsa => { %ours, iat => undef,
    aud => ['x', 'pimap'] })), 200, 'our audience among several');

# PEM: a key without an id; another claim; limits of device and types

my %pem = (preferred_username => 'bob');

is(head('/pem', $token->make(rsa => \%pem, header => { kid => 'any' })), 200,
    'a key without an id checks a token with any id');
like($t->get('/pem', headers => $token->bearer(rsa =>
    { sub => 'bob' }))->{body}, qr/no usable account/,
    'no account in the claim that is configured');
like($t->get('/pem', headers => $token->bearer(rsa => { %pem, aud => 'x' }))
    ->{body}, qr/wrong audience/, 'an audience where none is configured');

for ([{ device => 'd' }, 'device=d', 200], [{ device => 'd' }, '', 200],
    [{ device => 'd' }, 'device=e', 403], [{ device => 7 }, '', 401],
    [{ device => '' }, '', 401], [{ device => 'd' x 129 }, '', 401],
    [{ scope => 'Email' }, '', 200],
    [{ scope => 'Email' }, 'types=Email', 200],
    [{ scope => 'Email' }, 'types=Calendar', 403],
    [{ scope => ['Email', 'Quota'] }, 'types=Quota', 200],
    [{ scope => 'openid Email,Quota' }, 'types=Quota', 200],
    [{ scope => 'Unknown' }, 'types=Other', 403], [{ scope => [] }, '', 403],
    [{ scope => 7 }, '', 401], [{ scope => [7] }, '', 401])
{
    my ($claims, $query, $status) = @$_;

    is(head("/pem?$query", $token->make(rsa => { %pem, %$claims })), $status,
        $t->json($claims) . " $query: $status");
}

my $s = $t->request(GET => '/pem', headers => $token->bearer(
    rsa => { %pem, scope => 'Quota', device => 'phone' }));
$s->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('bob');
$t->redis()->publish('bob', { event => $_ })
    for qw(MessageNew Other QuotaExceed);
is($s->event()->{event}, 'QuotaExceed',
    'the types of the token filter the events');
$s->close();
ok($t->wait_for(sub { $t->log() =~ /ended: .* device="phone"/ }, 'its end'),
    'the token names the device');

# where a request has the token

my $one = $token->make(rsa => \%ours);

is($t->get("/events?access_token=$one", headers => {
    Authorization => "Bearer $one" })->{status}, 400, 'two tokens');
is($t->get("/events?access_token=%zz")->{status}, 400,
    'invalid percent-encoding: 400');
push(@used, $one);

my @both = map { $token->make(rsa => { %ours, n => $_ }) } 1, 2;

is($t->get('/events?' . join('&', map { "access_token=$_" } 'x', @both))
    ->{status}, 401, 'several in the query: the first is taken');
push(@used, @both);

for ({}, { Authorization => 'Basic eDp5' }, { Authorization => 'Bearer' }) {
    like($t->get('/events?access_token=', headers => $_)->{head},
        qr/ 401 .*\nWWW-Authenticate: Bearer realm="pimap"\r\n/s,
        'no token: 401');
}

is($t->request(HEAD => '/either', headers => { 'X-User' => 'carol' })
    ->status(), 200, 'nginx or a token: a login by nginx');
is($t->get('/either', headers => { 'X-User' => 'carol',
    Authorization => "Bearer $used[0]" })->{status}, 401,
    '    a bad token is not ignored');
is($t->request(HEAD => '/either', headers => $token->bearer(rsa =>
    { sub => 'alice' }))->status(), 200, '    or a token');

my $logs = $t->log() . $t->read_file($t->dir() . '/access.log');
my @seen = grep { length($_) > 20 && index($logs, $_) >= 0 }
    map { split(/\./) }
    @used;

is("@seen", '', 'no log has a part of a token');
like($logs, qr/GET \S+access_token=\*+ HTTP/,
    '    asterisks stand in its place');


sub head {
    my ($path, $text) = @_;

    push(@used, $text);
    return $t->request(HEAD => $path, headers => {
        Authorization => "Bearer $text" })->status();
}
