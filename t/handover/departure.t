#!/usr/bin/perl

# A device whose location is gone, or would not let it in any more, is told to
# come back by the new worker.  Such devices come back one after the other,
# within "pimap_drain".  Until then they get events, and may send nothing.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Token;
use Pimap::WebSocket;

use constant { DEVICES => 60, DRAIN => 3, LATE => 2 };

my $t = Pimap->new(mode => '', log => 'notice',
    http => 'pimap_drain ' . DRAIN . 's;');
my $token = Pimap::Token->new($t);
my ($one, $two) = map { "pimap_token_key $_;" }
    map { $token->jwks("$_.json", $_) } qw(secret-one secret-two);

$t->nginx()->{locations} = <<"END";
    location = /events { pimap_account \$arg_account; pimap_events; }
    location = /stays { pimap_account \$arg_account; pimap_events; }
    location = /token { pimap_login token; $one $two pimap_events; }
    location = /page { pimap_account \$arg_account;
        pimap_origin https://a.example https://b.example; pimap_events; }
    location = /asleep { pimap_account \$arg_account; pimap_hibernate on;
        pimap_events; }
    location = /bare { pimap_account \$arg_account; pimap_events; }
    location = /status { pimap_status; }
END

$t->plan(22);
$t->run();
$t->wait_ready();

my @s = map { $t->park("user$_") } 1 .. DEVICES;
my %w = map { $_ => $t->websocket($_, path => $_) } qw(/events /stays);
my $page = $t->websocket('page', path => '/page',
    headers => { Origin => 'https://b.example' });
my $body = $t->duplex('page', path => '/page',
    headers => { Origin => 'https://b.example' });

my $logged_in = $t->request(GET => '/token',
    headers => $token->bearer('secret-two' => { sub => 'token' }));
my $packed = $t->park('packed', path => '/stays',
    headers => { 'Accept-Encoding' => 'gzip' });
my $asleep = $t->park('asleep', path => '/asleep', transport => 'https');
my $bare = $t->park('bare', path => '/bare');
my $all = DEVICES + 7;

ok($t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} == $all && $d->{hibernated} == 1 }), 'parked');
$_->json() for values(%w), $page;

# The times at which responses end, in seconds from now.

sub ends {
    my (@s) = @_;
    my $start = time();
    my %end;

    $t->wait_for(sub {
        for my $i (grep { !$end{$_} } 0 .. $#s) {
            $end{$i} = time() - $start if $s[$i]->ended(0);
        }
        return keys(%end) == @s;
    }, 'the ends');

    return sort { $a <=> $b } values(%end);
}

sub reload {
    my ($stay) = @_;
    my @old = $t->workers();

    return $t->reload()
        && $t->wait_for(sub { !grep { -e "/proc/$_" } @old });
}

# The location has another name.

$t->nginx()->{locations} =~ s{= /events}{= /elsewhere};
ok(reload(), 'a reload');

my $start = time();

$w{'/events'}->send(frame(TEXT, '{"id":"1","update":"flags"}'));
is(($w{'/events'}->json() // {})->{event}, 'refused',
    'its location is gone: an update is refused');

my @ends = ends(@s);
my @slices = (0) x (DRAIN + LATE);

$slices[$_]++ for @ends;
note("ends in each second: @slices");

is(scalar(@ends), DEVICES, 'each response ends in good order');
is(scalar(grep { $_->{body} =~ /retry: \d+\nevent: retry\n.*\n\n\z/ } @s),
    DEVICES,
    'each device is told when to come back');
cmp_ok($ends[-1], '<', DRAIN + LATE, 'all come back within pimap_drain');
cmp_ok($ends[-1] - $ends[0], '>', DRAIN / 2, 'not all in one moment');
cmp_ok((sort { $b <=> $a } @slices)[0], '<=', 2 * DEVICES / DRAIN,
    'no second has more than twice the average');
is(($w{'/events'}->json() // {})->{event}, 'retry', 'a WebSocket, too');
is(scalar($t->log_lines(qr/disconnects \d+ devices within 3000ms: their loc/)),
    1, 'the log says it once');

# The rules of a login.

my $status = $t->status();

is($status->{parked}, 7, 'the devices of the other locations stay');
is($status->{ends}{drain}, DEVICES + 1, 'the ends are counted');

$t->nginx()->{locations} =~ s{\Q$one $two\E}{$two $one};
$t->nginx()->{locations} =~ s<(/stays \{) pimap_account \$arg_account>
    <$1 pimap_device \$arg_device; pimap_account \${ARG_account}>;
$t->nginx()->{locations} =~ s{(/bare \{)}{$1 pimap_device "\${arg_device}";};
ok(reload() && $t->wait_for(sub { $t->status()->{parked} == 7 }),
    'the same rules in other words: all devices stay');

$t->nginx()->{locations} =~ s{\Q$two $one\E}{$one};
$t->nginx()->{locations} =~ s{ https://b.example}{};
$t->nginx()->{locations} =~ s{(/stays \{)}{$1 pimap_compress off;};
$t->nginx()->{locations} =~ s{ pimap_hibernate on;}{};
$t->nginx()->{locations} =~ s{(/bare \{)}{$1 pimap_detach off;};
ok(reload(), 'stricter rules');
ok($logged_in->read_until(qr/event: retry\n.*\n\n/),
    'a key of tokens is removed: its devices come back');
is(($page->json() // {})->{event}, 'retry',
    'an origin is removed: WebSockets come back');
ok($body->read_until(qr/"event":"retry"/),
    'an origin is removed: devices with an open body come back');
ok($packed->ended(), 'compression is off: compressed responses end');
ok($asleep->read_until(qr/event: retry\n.*\n\n/),
    'hibernating is off: hibernated devices come back');
ok($bare->read_until(qr/event: retry\n.*\n\n/),
    'detaching is off: detached devices come back');

$w{'/stays'}->send(frame(TEXT, '{"id":"2","update":"flags"}'));
is(($w{'/stays'}->json() // {})->{event}, 'accepted',
    'a device that meets all rules stays');
is($t->status()->{parked}, 1, 'and it alone');
