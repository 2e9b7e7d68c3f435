#!/usr/bin/perl

# Any login gets a ticket, which parks devices of its account until it expires,
# with the limits of the token of the login.  A ticket is valid for nothing
# else, and stays valid after a reload.

use strict;
use warnings;

use MIME::Base64 qw(decode_base64url);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;

my $t = Pimap->new(workers => 2);
my $token = Pimap::Token->new($t);
my $key = 'pimap_token_key ' . $token->jwks('keys.json', 'ec256') . ';';
my ($now, $before) = map { $t->write_file($t->dir() . "/$_",
    substr($_ x 32, 0, 40)) } qw(now before);

$t->nginx()->{http} = $ENV{PIMAP_HTTP} ? '' : 'pimap_hibernate on;';
$t->nginx()->{locations} .= <<"END";
    $key
    pimap_token_device_claim device;
    pimap_token_types_claim types;

    location = /parked { pimap_login token ticket; pimap_events; }

    location = /both {
        pimap_login nginx ticket;
        pimap_account \$http_x_user;
        pimap_events;
    }

    location /ticket {
        pimap_login nginx token ticket;
        location = /ticket { pimap_account \$http_x_user; pimap_ticket; }
    }

    location = /short {
        pimap_login token;
        pimap_ticket_time 1s;
        pimap_ticket;
    }

    location = /hosts {
        pimap_login token ticket;
        pimap_ticket_key $now;
        pimap_ticket_key $before;
        pimap_events;
    }

    location = /hosts/ticket {
        pimap_login token;
        pimap_ticket_key $now;
        pimap_ticket;
    }

    location = /hosts/before {
        pimap_login token;
        pimap_ticket_key $before;
        pimap_ticket;
    }
END

my @used;
my %alice = (sub => 'alice', iat => time() - 100, exp => time() + 3600);

$t->plan(50);
$t->run();
$t->wait_ready();

# a ticket and its answer

for (['GET', 'http'], ['POST', 'https'], ['GET', 'h2']) {
    my ($method, $transport) = @$_;

    my $answer = $t->_whole($method, '/ticket', transport => $transport,
        headers => $token->bearer(ec256 => \%alice));

    is($answer->{status}, 200, "$method by $transport");
    like($answer->{head}, qr{Content-Type: application/json}i, '    JSON');
    like($answer->{head}, qr{Cache-Control: no-store}i, '    no copies');

    my $json = $answer->{json};

    is(join(' ', sort(keys(%$json))), 'expires ticket', '    its members');
    ok(abs($json->{expires} - time() - 60) <= 2,
        '    it expires after a minute');

    my $ticket = used($json->{ticket});
    my $s = $t->request(GET => "/parked?ticket=$ticket",
        transport => $transport);

    ok($s->read_until(qr/: parked\n.*\n\n/), '    it parks a device');
    $t->subscribed('alice');
    $t->redis()->publish('alice', { event => 'X' });
    is($s->event()->{event}, 'X', '    of the account');
    is(park("/parked?ticket=$ticket"), 200, '    it parks another device');
    $s->close();
}

is($t->request(HEAD => '/ticket', headers => { 'X-User' => 'bob' })->status(),
    200, 'HEAD');
is($t->_whole('PUT', '/ticket')->{status}, 405, 'PUT');
is($t->get('/ticket')->{status}, 401, 'without a login');

my $bob = $t->get('/ticket', headers => { 'X-User' => 'bob' })->{json};

is(claims($bob)->{sub}, 'bob', "a login by nginx gets a ticket");
is(park("/both?ticket=" . used($bob->{ticket})), 200,
    '    which parks a device');

# the limits of a ticket

my $limited = $t->get('/ticket', headers => $token->bearer(ec256 => {
    %alice, device => 'phone', types => 'Quota' }))->{json};
my $claims = claims($limited);
used($limited->{ticket});

is($claims->{iat}, $alice{iat}, 'a ticket has the time of the token');
is($claims->{end}, $alice{exp}, '    and its expiry');
is(park("/parked?ticket=$limited->{ticket}&device=tv"), 403,
    '    another device than its own is refused');
is(park("/parked?ticket=$limited->{ticket}&types=Email"), 403,
    '    other types than its own are refused');
is(park("/parked?ticket=$limited->{ticket}&device=phone&types=Quota"), 200,
    '    its own device and types are parked');

my $soon = time() + 20;
is($t->get('/ticket', headers => $token->bearer(ec256 => {
    %alice, exp => $soon }))->{json}{expires}, $soon,
    'a ticket expires with its token');

# wrong uses of a ticket

is($t->get("/ticket?ticket=$bob->{ticket}")->{status}, 401,
    'a ticket gets no other ticket');
is(bad("/parked?access_token=$bob->{ticket}"), 'no matching key',
    'a ticket is no token');
is(bad('/parked?ticket=' . used($token->make(ec256 => \%alice))),
    'no matching key', 'a token is no ticket');
is(bad("/parked?ticket=$bob->{ticket}x"), 'wrong signature',
    'a ticket with an additional character');
is(bad('/parked?ticket=' . $bob->{ticket} =~ s/\..*\./'.e30.'/er),
    'wrong signature', 'a ticket with changed claims');
is($t->get('/parked?ticket=')->{status}, 401, 'no ticket');

my $short = used($t->get('/short', headers => $token->bearer(
    ec256 => \%alice))->{json}{ticket});

ok($t->wait_for(sub { park("/parked?ticket=$short") == 401 }),
    'a ticket expires');
is(bad("/parked?ticket=$short"), 'expired', '    with that reason');

# keys of several hosts

for my $path (qw(/hosts/ticket /hosts/before)) {
    my $ticket = used($t->get($path, headers => $token->bearer(
        ec256 => \%alice))->{json}{ticket});

    is(park("/hosts?ticket=$ticket"), 200,
        "$path: a ticket is valid for its key");
    is(park("/parked?ticket=$ticket"), 401, "$path: not for another key");
}

ok($t->reload(), 'a reload');
is(park("/parked?ticket=$limited->{ticket}"), 200,
    'a ticket from before the reload is valid');

my $logs = $t->log() . $t->read_file($t->dir() . '/access.log');
my @seen = grep { length($_) > 20 && index($logs, $_) >= 0 }
    map { split(/\./) } @used;

is("@seen", '', 'no log has a part of a ticket');


sub used   { push(@used, @_); $_[0] }
sub park   { $t->request(HEAD => $_[0])->status() }
sub claims { JSON::PP::decode_json(decode_base64url(
    (split(/\./, $_[0]{ticket}))[1])) }

sub bad {
    my ($path) = @_;

    my $answer = $t->get($path);

    return $answer->{head} =~ /error_description="(.*?)"/ ? $1
        : $answer->{status};
}
