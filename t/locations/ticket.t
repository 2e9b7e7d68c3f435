#!/usr/bin/perl

# A ticket is got with any login and parks devices of its account until it
# expires, with the limits of the token that it was got with; it is good for
# nothing else, and it survives a reload.

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

    location = /ticket {
        pimap_login nginx token ticket;
        pimap_account \$http_x_user;
        pimap_ticket;
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

# what one is

for (['GET', 'http'], ['POST', 'https'], ['GET', 'h2']) {
    my ($method, $transport) = @$_;

    my $answer = $t->_whole($method, '/ticket', transport => $transport,
        headers => $token->bearer(ec256 => \%alice));

    is($answer->{status}, 200, "$method by $transport");
    like($answer->{head}, qr{Content-Type: application/json}i, '    JSON');
    like($answer->{head}, qr{Cache-Control: no-store}i, '    no copies');

    my $json = $answer->{json};

    is(join(' ', sort(keys(%$json))), 'expires ticket', '    its members');
    ok(abs($json->{expires} - time() - 60) <= 2, '    for a minute');

    my $ticket = used($json->{ticket});
    my $s = $t->request(GET => "/parked?ticket=$ticket",
        transport => $transport);

    ok($s->read_until(qr/: parked\n\n/), '    parks');
    $t->subscribed('alice');
    $t->redis()->publish('alice', { event => 'X' });
    is($s->event()->{event}, 'X', '    the account');
    is(park("/parked?ticket=$ticket"), 200, '    again');
    $s->close();
}

is($t->request(HEAD => '/ticket', headers => { 'X-User' => 'bob' })->status(),
    200, 'HEAD');
is($t->_whole('PUT', '/ticket')->{status}, 405, 'PUT');
is($t->get('/ticket')->{status}, 401, 'without a login');

my $bob = $t->get('/ticket', headers => { 'X-User' => 'bob' })->{json};

is(claims($bob)->{sub}, 'bob', "nginx's login");
is(park("/both?ticket=" . used($bob->{ticket})), 200, '    parks');

# its limits

my $limited = $t->get('/ticket', headers => $token->bearer(ec256 => {
    %alice, device => 'phone', types => 'Quota' }))->{json};
my $claims = claims($limited);
used($limited->{ticket});

is($claims->{iat}, $alice{iat}, 'it is as old as the token');
is($claims->{end}, $alice{exp}, '    and knows its end');
is(park("/parked?ticket=$limited->{ticket}&device=tv"), 403,
    '    and its device');
is(park("/parked?ticket=$limited->{ticket}&types=Email"), 403,
    '    and its types');
is(park("/parked?ticket=$limited->{ticket}&device=phone&types=Quota"), 200,
    '    which may park');

my $soon = time() + 20;
is($t->get('/ticket', headers => $token->bearer(ec256 => {
    %alice, exp => $soon }))->{json}{expires}, $soon,
    'it does not outlive the token');

# what it is not good for

is($t->get("/ticket?ticket=$bob->{ticket}")->{status}, 401,
    'it is good for no ticket');
is(bad("/parked?access_token=$bob->{ticket}"), 'no matching key',
    '    and no token');
is(bad('/parked?ticket=' . used($token->make(ec256 => \%alice))),
    'no matching key', 'a token is no ticket');
is(bad("/parked?ticket=$bob->{ticket}x"), 'wrong signature',
    'one with more to it');
is(bad('/parked?ticket=' . $bob->{ticket} =~ s/\..*\./'.e30.'/er),
    'wrong signature', 'one that somebody has changed');
is($t->get('/parked?ticket=')->{status}, 401, 'none');

my $short = used($t->get('/short', headers => $token->bearer(
    ec256 => \%alice))->{json}{ticket});

ok($t->wait_for(sub { park("/parked?ticket=$short") == 401 }), 'it ends');
is(bad("/parked?ticket=$short"), 'expired', '    as expired');

# keys of several hosts

for my $path (qw(/hosts/ticket /hosts/before)) {
    my $ticket = used($t->get($path, headers => $token->bearer(
        ec256 => \%alice))->{json}{ticket});

    is(park("/hosts?ticket=$ticket"), 200, "$path: known");
    is(park("/parked?ticket=$ticket"), 401, "$path: not elsewhere");
}

ok($t->reload(), 'a reload');
is(park("/parked?ticket=$limited->{ticket}"), 200, 'a ticket from before it');

my $logs = $t->log() . $t->read_file($t->dir() . '/access.log');
my @seen = grep { length($_) > 20 && index($logs, $_) >= 0 }
    map { split(/\./) } @used;

is("@seen", '', 'no part of a ticket is in a log');


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
