#!/usr/bin/perl

# A device sends only the updates that its login allows, on all four ways up
# and after a reload.  A ticket allows none, unless its location lists them.  A
# token allows all, unless it has a list.  Results still come.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;
use Pimap::WebSocket;

my $t = Pimap->new(workers => 2);
my $token = Pimap::Token->new($t);
my $long = join(' ', ('x' x 63) x 15, 'y' x 58, 'store');   # 1024 bytes
my $key = $token->jwks('keys.json', 'secret');

$t->nginx()->{locations} .= <<"END";
    pimap_token_key $key;
    pimap_token_types_claim types;
    pimap_token_updates_claim updates;

    location = /parked { pimap_login token ticket; pimap_events; }
    location = /send { pimap_login token; pimap_update; }
    location = /ticket { pimap_login token; pimap_ticket; }
    location = /ticket/two {
        pimap_login token;
        pimap_ticket_updates store move;
        pimap_ticket;
    }
    location = /ticket/long {
        pimap_login token;
        pimap_ticket_updates $long;
        pimap_ticket;
    }
    location = /ticket/all {
        pimap_login token;
        pimap_ticket_updates *;
        pimap_ticket;
    }
END

my @ways = (['websocket', 'http'], ['duplex', 'http'], ['duplex', 'h2']);
my @verbs = qw(store move fetch);
my $id = 0;

# login, what it may send
my @logins = (
    ['a ticket', ticket('/ticket'), ''],
    ['a ticket of a location with a list', ticket('/ticket/two'),
        'store move'],
    ['a ticket of a location with a list of 1024 bytes',
        ticket('/ticket/long'), 'store'],
    ['a ticket of a location with "*"', ticket('/ticket/all'),
        'store move fetch'],
    ['    got with a token with a list', ticket('/ticket/all',
        updates => 'move'), 'move'],
    ['a ticket got with a token, both have lists', ticket('/ticket/two',
        updates => ['fetch', 'store']), 'store'],
    ['a token', token(), 'store move fetch'],
    ['a token for certain types', token(types => 'Quota'),
        'store move fetch'],
    ['a token with a list', token(updates => ['store', 'fetch']),
        'store fetch'],
    ['    as text', token(updates => 'x,fetch  move'), 'move fetch'],
    ['    with "*"', token(updates => ['*']), 'store move fetch'],
    ['    of 1024 bytes', token(updates => 'x' x 1018 . ' store'), 'store'],
    ['    of 1024 bytes in an array', token(updates => ['x' x 509,
        'x' x 508, 'store']), 'store'],
    ['    which is empty', token(updates => []), ''],
);
my @bad = (7, [7], { x => 1 }, 'x' x 1025, [('x' x 100) x 11]);

$t->plan(3 * @logins + @bad + 9 + 2 * 4 + 2);
$t->run();
$t->wait_ready();

my $redis = $t->redis();

for my $way (@ways) {
    for (@logins) {
        my ($what, $login, $may) = @$_;
        my $d = park($way, $login->());

        is(sends($d), $may, "@$way, $what: it may send \"$may\"");
        $d->close();
    }
}

for my $updates (@bad) {
    my $answer = $t->get('/parked?access_token=' . $token->make(
        secret => { sub => 'alice', updates => $updates }));

    like($answer->{head}, qr/ 401 .*error_description="no usable updates"/s,
        'a claim that is no list of names: 401');
}

# a request

my $before = $redis->command(qw(XLEN pimap:updates));
my $answer = post({ updates => 'store' }, qw(store fetch));

is($answer->{status}, 403, 'POST, a line that the token does not allow: 403');
like($answer->{json}{detail}, qr/in line 2: the login does not allow/,
    '    the answer names the line');
is($redis->command(qw(XLEN pimap:updates)), $before, '    nothing is added');
is(post({ updates => '' }, 'store')->{status}, 403,
    'POST, an empty list: 403');
is(post({ updates => 'store' }, 'store')->{status}, 202,
    'POST, an update of the list: 202');
is(post({}, 'fetch')->{status}, 202, 'POST, a token without a list: 202');

# a result is no type

my $quota = park($ways[0], token(types => 'Quota')->() . '&device=phone');

$t->subscribed('alice');
$redis->log('alice', { event => 'MessageNew' });
$redis->fcall('result', 'alice', 'phone', 'x', '{"status":"done"}');

my $result = $quota->json();

is($result->{event}, 'UpdateResult',
    'a token for certain types: the result comes to its device');
is($result->{status}, 'done', '    with its status');
$quota->close();
ok($t->wait_for(sub { $t->status()->{parked} == 0 }), 'all devices are gone');

# a reload

my @moved = map { my $way = $_;
    map { [park($way, $_->[1]->()), $_->[2], "@$way, $_->[0]"] }
        @logins[0, 1] } @ways[0, 1];

push(@moved, map { [park($ways[0], $_->[1]->()), $_->[2], $_->[0]] }
    @logins[6, 8, 10, 13]);
$t->subscribed('alice');
ok($t->reload(), 'a reload');
ok($t->wait_for(sub { $t->status()->{handover}{received} == @moved }),
    '    all devices are handed over');

for (@moved) {
    my ($d, $may, $what) = @$_;

    is(sends($d), $may, "    $what: it may send \"$may\"");
}


# These return functions: a key is needed before nginx is configured.

sub token {
    my (%claims) = @_;

    return sub { 'access_token=' . $token->make(secret => {
        sub => 'alice', %claims }) };
}


sub ticket {
    my ($path, %claims) = @_;

    return sub { 'ticket=' . $t->get($path, headers => $token->bearer(
        secret => { sub => 'alice', %claims }))->{json}{ticket} };
}


sub park {
    my ($way, $query) = @_;
    my ($kind, $transport) = @$way;

    my $d = $t->$kind('alice', path => '/parked', query => $query,
        transport => $transport);

    $d->json();

    return $d;
}


# The verbs that are accepted; the others are refused with the reason.

sub sends {
    my ($d) = @_;

    my @may;

    for my $verb (@verbs) {
        my $update = { id => 'u' . ++$id, update => $verb };

        $d->isa('Pimap::WebSocket')
            ? $d->send(frame(TEXT, $t->json($update))) : $d->say($update);

        my $answer = $d->json() // {};

        if (($answer->{event} // '') eq 'accepted') {
            push(@may, $verb);

        } elsif (($answer->{detail} // '')
            ne 'the login does not allow this update'
            || $answer->{update} ne $update->{id})
        {
            push(@may, '?');
        }
    }

    return "@may";
}


sub post {
    my ($claims, @verbs) = @_;

    return $t->post('/send', join('', map { $t->json({ id => 'p' . ++$id,
            update => $_ }) . "\n" } @verbs),
        headers => { 'Content-Type' => 'application/x-ndjson',
            %{ $token->bearer(secret => { sub => 'alice', %$claims }) } });
}
