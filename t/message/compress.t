#!/usr/bin/perl

# Responses are compressed: each event can be decompressed when its bytes have
# arrived, the compressed stream continues through a reload, and it ends with a
# valid trailer.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @transports = qw(http https h2);

my $t = Pimap->new(workers => 2);
$t->nginx()->{http} = 'pimap_ping 1s min=1s; gzip on; gzip_min_length 1;'
    . ' gzip_types text/event-stream; gzip_vary on;'
    . ' map $http_user_agent $compress { default on; "~Broken" off; }'
    . ' pimap_compress $compress; pimap_poll_linger 10s;'
    . ($ENV{PIMAP_HTTP} ? '' : ' pimap_hibernate on;');
$t->nginx()->{locations} .= <<'END';
        location = /alone {
            gzip off;
            pimap_account $arg_account;
            pimap_events;
        }

        location = /kept {
            pimap_detach on;        # in any mode: what is held ends
            pimap_account $arg_account;
            pimap_events;
        }
END
$t->plan(85);
$t->run();
$t->wait_ready();

my $redis = $t->redis();

sub new_mail {
    return { event => 'MessageNew', uid => $_[0], mailbox => 'INBOX',
        from => 'Bob <bob@example.com>', subject => "Lunch on day $_[0]?",
        preview => 'We could meet at the usual place, if you like to.' };
}

sub park {
    my ($account, $coding, %set) = @_;

    return $t->park($account, %set, headers => {
        'Accept-Encoding' => $coding, %{ $set{headers} // {} } });
}

# The coding chosen for each Accept-Encoding.

for (['gzip', 'gzip'], ['deflate', 'deflate'], ['gzip, deflate, br', 'gzip'],
    ['deflate, gzip;q=0.5', 'deflate'], ['*', 'gzip'], ['identity', undef],
    ['gzip;q=0.5, identity', undef], ['gzip;q=0, deflate;q=0', undef],
    ['gzip;q=0, *', 'deflate'], ['br', undef], ['GZIP', 'gzip'],
    ['identity;q=0', undef])
{
    my ($accept, $coding) = @$_;
    my $s = park('alice', $accept, method => 'HEAD', path => '/alone');

    is($s->header('Content-Encoding'), $coding, "Accept-Encoding: $accept");
    is($s->header('Vary'), 'Accept-Encoding', 'Vary') if $accept =~ /^\w+$/;
}

my $s = park('alice', 'gzip', method => 'HEAD', path => '/alone',
    headers => { 'User-Agent' => 'Broken/1.0' });
is($s->header('Content-Encoding'), undef,
    'an excluded user agent: no compression');

# A response from its start to its end, with events and pings.

for my $transport (@transports) {
    for my $coding (qw(gzip deflate)) {
        my $name = "$transport-$coding";
        my $s = park($name, $coding, transport => $transport,
            query => 'device=d');

        like($s->read_until(qr/: parked\n.*\n\n/), qr/^retry: \d+\n/,
            "$name: parked");
        is($s->header('Content-Encoding'), $coding, "$name: coding");
        $t->subscribed($name);

        my @got;

        for my $n (1 .. 6) {
            my $event = new_mail($n);

            $redis->log($name, $event);
            push(@got, $s->events(1));
            $s->read_until(qr/event: ping.*?\n\n/s) if $n == 3;
        }

        is_deeply([ map { $_->{json} } @got ], [ map { new_mail($_) } 1 .. 6 ],
            "$name: events");
        is($s->{stream}, 'open', "$name: no trailer yet");

        my $newer = park($name, $coding, query => 'device=d');

        $s->read_until(qr/event: superseded\ndata: \{\}\n\n/);
        ok($s->ended(), "$name: ended");
        is($s->{stream}, 'end', "$name: with its trailer");
        $newer->close();
    }
}

# A reload hands the compressed streams over; all get the same events.

my @s = map { park('bob', $_, path => '/kept') } qw(gzip deflate identity);

$_->read_until(qr/: parked\n.*\n\n/) for @s;
$t->subscribed('bob', 1);
$redis->log('bob', new_mail($_)) for 1, 2;
$_->events(2) for @s;
$t->reload();
$t->wait_ready();
$redis->log('bob', new_mail($_)) for 3 .. 5;

is_deeply([ map { $_->{json}{uid} } $_->events(3) ], [ 3 .. 5 ],
    'after a reload') for @s;
$_->close() for @s;

# Devices with the same dictionary share compressed messages.

my @many = map { park('carol', 'gzip', query => 'ping=0') } 1 .. 8;

$_->read_until(qr/: parked\n.*\n\n/) for @many;
$t->subscribed('carol', 1);

for my $n (-2 .. 0) {
    $redis->log('carol', new_mail($n));
    $_->events(1) for @many;
}

my $before = $t->status()->{compression};

$redis->log('carol', new_mail($_)) for 1 .. 5;
is(scalar($_->events(5)), 5, 'shared: events') for @many;

my $after = $t->status()->{compression};

cmp_ok($after->{messages} - $before->{messages}, '<=', 2 * 5,
    'shared: each worker compresses once');
cmp_ok($after->{shared} - $before->{shared}, '>=', 6 * 5, 'and shared');
cmp_ok($after->{bytes}, '<', $after->{plainBytes}, 'shared: fewer bytes');

# Filters make different dictionaries.

my @filtered = map { park('dave', 'gzip', query => "events=$_&ping=0") }
    qw(A B A%2CB);

$_->read_until(qr/: parked\n.*\n\n/) for @filtered;
$t->subscribed('dave', 1);
$redis->log('dave', { event => $_ % 3 ? 'A' : 'B', n => $_ }) for 1 .. 12;

is(join(' ', map { $_->{json}{n} } $filtered[0]->events(8)),
    '1 2 4 5 7 8 10 11', 'filtered');
is(join(' ', map { $_->{json}{n} } $filtered[1]->events(4)), '3 6 9 12',
    'otherwise');
is(join(' ', map { $_->{json}{n} } $filtered[2]->events(12)),
    join(' ', 1 .. 12), 'and all');

# Long responses, and the other formats.  A poll is answered with all of the
# log, which comes in pages.

$redis->log('erin', { event => 'X', text => 'long ' x 6400 }) for 1 .. 2;
$s = park('erin', 'gzip', query => 'last-event-id=0');
is(join(' ', map { length($_->{json}{text}) } $s->events(2)), '32000 32000',
    'events longer than the window');

$s = park('erin', 'gzip', query => 'last-event-id=0&format=ndjson');
like($s->read_until(qr/"text"[^\n]+\n.*?"text"[^\n]+\n/s), qr/^\{"id"/,
    'lines');

for my $transport (@transports) {
    $s = park('erin', 'gzip', transport => $transport,
        query => 'last-event-id=0&format=json');

    my $body = $s->read_until(qr/\]\}\n/);

    like($body, qr/^\{"lastEventId":"\d+-2"/, "$transport: a poll");
    is($s->header('Content-Encoding'), 'gzip', 'compressed');
    cmp_ok($s->header('Content-Length'), '<', 2000, 'and short');
    is($s->{stream}, 'end', 'and whole');
}
