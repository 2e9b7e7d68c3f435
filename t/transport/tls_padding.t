#!/usr/bin/perl

# With "pimap_tls_padding" the size of a TLS record shows only its number of
# blocks, by OpenSSL and when hibernated, and after a reload; each client reads
# the records.  Without it, each length can be seen.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Records;
use Pimap::Tls;

use constant { TAG => 16, LONGEST => 16384 + 1 + 16 };

my $locations = <<'END';
        location = /events {
            pimap_account $arg_account;
            pimap_tls_padding 512;
            pimap_events;
        }

        location = /awake {
            pimap_account $arg_account;
            pimap_hibernate off;
            pimap_tls_padding 512;
            pimap_events;
        }

        location = /held {
            pimap_account $arg_account;
            pimap_hibernate off;
            pimap_detach off;
            pimap_tls_padding 512;
            pimap_events;
        }

        location = /plain {
            pimap_account $arg_account;
            pimap_events;
        }

        location = /status {
            pimap_status;
        }
END

my $t = Pimap->new(mode => 'pimap_hibernate on;', http => 'pimap_ping 1s'
    . ' min=1s max=60s;', locations => $locations);
my @suites = Pimap::Records::suites();
my @ways = (map({ ['/events', $_, 'hibernated'] } @suites),
    ['/awake', undef, 'detachedTls'], ['/held', undef, 'heldH1Tls']);
my %filler = map { $_ => 'x' x $_ } 1, 2, 50, 99, 200, 300;

$t->plan(3 * @ways + 15);
$t->run();
$t->wait_ready();

for my $way (@ways) {
    my ($path, $suite, $kind) = @$way;
    my $name = join(' ', grep { defined } $path, $suite);
    my $c = park($path, $kind, $suite);

    like(join(' ', sizes($c)), qr/^(528)( 528)*$/, "$name: events");
    ok($c->read_until(qr/event: ping\n.*?\n\n/s), "$name: a ping");
    is(join(' ', $c->lengths()), 528, "$name: it looks like an event");
    $c->close();
    gone();
}

# An event that is longer than a record.

my $c = park('/events', 'hibernated');

event($c, 'x' x 40_000);
is(join(' ', $c->lengths()), join(' ', LONGEST, LONGEST, 7680 + TAG),
    'the last record of a long event is padded');
event($c, 'x' x 32_740);
is(join(' ', $c->lengths()), join(' ', LONGEST, LONGEST, 512 + TAG),
    'a short last record is padded, too');

# After a reload the setting of the new worker holds.

my @old = $t->workers();

$t->nginx()->{locations} = $locations =~ s/padding 512/padding 1k/r;
$t->reload();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'the old workers'),
    'a reload');
$t->subscribed('alice');
like(join(' ', sizes($c)), qr/^1040( 1040)*$/,
    'the records have the new size');
$c->close();
gone();

# No padding.

$c = park('/plain', 'hibernated');

my @sizes = sizes($c);
my %sizes = map { $_ => 1 } @sizes;

is(scalar(keys(%sizes)), scalar(keys(%filler)), 'no padding: lengths differ');
is($sizes[3] - $sizes[0], 99 - 1, 'as the lengths of the events do');
$c->close();
gone();

# Other clients.

for my $client ([curl => qw(curl -sNk --http1.1), 'https://127.0.0.1:'
        . $t->port('https') . '/events?account=alice&closeafter=state'],
    ['s_client' => qw(openssl s_client -quiet -no_ign_eof -verify_quiet
        -tls1_3 -connect), '127.0.0.1:' . $t->port('https')])
{
    my ($name, @command) = @$client;
    my $process = $t->start(pipe => 1, input => 1, command => [@command],
        errors => $t->dir() . '/err');
    my $s = Pimap::Stream->new(process => $process);

    $s->{head} = '';
    $s->send("GET /events?account=alice&closeafter=state HTTP/1.1\n"
        . "Host: localhost\n\n") if $name eq 's_client';
    ok($s->read_until(qr/: parked\n.*\n\n/), "$name: parked");
    $t->wait_for(sub { $t->status()->{devices}{hibernated} == 1 },
        'hibernation');
    $t->subscribed('alice');
    $t->redis()->publish('alice', { event => 'MessageNew',
        x => 'y' x 20_000 });
    like($s->read_until(qr/^data: .*?\n\n/m) // '', qr/"y{20000}"\}\n\n\z/,
        "$name: an event");
    ok($s->closed(), "$name: and a proper end");
    gone();
}

# TLS 1.2 has no padding, and still works; HTTP/2 has padding.

for my $version ('--tls-max 1.2 --http1.1', '--http2') {
    my $s = $t->start(pipe => 1, command => ['curl', '-sNk',
        split(/ /, $version), 'https://127.0.0.1:' . $t->port('https')
            . '/events?account=alice']);
    my $stream = Pimap::Stream->new(process => $s);

    $stream->{head} = '';
    ok($stream->read_until(qr/: parked\n.*\n\n/), "curl $version: parked");
    $stream->close();
    gone();
}

is($t->status()->{parked}, 0, 'all devices are gone');


sub park {
    my ($path, $kind, $suite) = @_;

    my $c = Pimap::Tls->connect($t, suite => $suite);

    my $ping = $path eq '/plain' ? 'ping=0' : 'ping=1';

    $c->raw($c->seal("GET $path?account=alice&$ping HTTP/1.1\r\n"
        . "Host: localhost\r\n\r\n"));
    $c->read_until(qr/: parked\n.*\n\n/) or die "$path: not parked\n";
    $t->wait_for(sub { $t->status()->{devices}{$kind} == 1 }, $kind)
        or die "$path: not $kind\n";
    $t->subscribed('alice');
    $c->lengths();

    return $c;
}


sub event {
    my ($c, $filler) = @_;

    $t->redis()->publish('alice', { event => 'MessageNew', x => $filler });
    $c->read_until(qr/"event":"MessageNew".*?\n\n/s) or die "no event\n";
}


# The sizes of the records of events of different lengths.

sub sizes {
    my ($c) = @_;

    event($c, $filler{$_}) for sort { $a <=> $b } keys(%filler);

    return $c->lengths();
}


sub gone {
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'its end')
        or die "still parked\n";
}
