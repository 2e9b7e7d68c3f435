#!/usr/bin/perl

# Updates that wait: an account gets no more places than are free, and leaves
# some to others.  Those that have waited for "timeout" are refused.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeImap;

use constant UPDATES => 120;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(13);
$t->run();

my $redis = $t->redis();
my $fake = Pimap::FakeImap->new(t => $t)->start();
my $go = $t->dir() . '/go';
my %mail = (INBOX => [5, 1]);

$fake->script(
    Pimap::FakeImap->until_login('IDLE LIST-EXTENDED LIST-STATUS'),
    ['serve', \%mail, 'IDLE'], ['serve', \%mail, 'DONE'], ['hold', $go],
    ['serve', \%mail, 'LOGOUT']);

my $bridge = bridge('max_waiting = 10;', $fake->port());
my $device = $t->park('alice', query => 'device=phone');
my $other = $t->park('bob', query => 'device=phone');

$_->read_until(qr/: parked\n.*\n\n/) for $device, $other;
ok($bridge->watches(2), 'two accounts are watched');

update($_) for 1 .. UPDATES;
ok($t->wait_for(sub { metric('placed') + metric('held') == UPDATES },
    'updates'), 'many updates are read');
is(metric('placed'), 5, '    a half of "max_waiting" has a place');

# The server of this account answers nothing.  Others are not in its queue.

update($_, account => 'bob', update => 'none') for 1 .. 20;
is(join(' ', map { result($other) } 1 .. 20),
    join(' ', map { "u$_ invalid" } 1 .. 20),
    '    those of another account are answered');
ok($t->wait_for(sub { metric('placed') == 5 }, 'places'),
    '    this one waits');

# More places: one that comes now stays behind those that wait for a place.

$bridge->{updates} = 'max_waiting = 300;';
$bridge->reload();
update(UPDATES + 1);
ok($t->wait_for(sub { metric('placed') + metric('held') == UPDATES + 1 },
    'one more'), 'more places, and one more update is read');
$t->write_file($go, '');
is(join(' ', map { result() } 1 .. UPDATES + 1),
    join(' ', map { "u$_ done" } 1 .. UPDATES + 1),
    'the server answers: all are carried out, in order');

# An update that is marked in Redis first, and one that is not

$redis->together(sub {
    update('copy', update => 'copy', uids => [1], to => 'INBOX');
    update('search');
});
is(join(' ', map { result() } 1, 2), 'ucopy done usearch done',
    'two updates: the results come in order');
like($t->read_file($t->dir() . '/fakeimap.notes'),
    qr/.*UID COPY 1.*\n(?:.*\n)*?UID SEARCH .*\n(?!(?:.*\n)*UID COPY)/,
    '    the server got them in order');

# A server that is away

$bridge->stop();
$bridge = bridge('timeout = "1s";', $t->port('none'));
update('late');

my $result = event();

is($result->{status}, 'refused', 'no server: an update is refused');
is($result->{detail},
    'there is no session with "127.0.0.1": Connection refused',
    '    with the server and the reason');
like($bridge->get('/accounts?state=waiting')->{body},
    qr/"account":"alice","state":"waiting",.*"reason":"Connection\ refused",
    "until":"20\d\d-\d\d-\d\dT[\d:]{8}Z"/x,
    '    the page of accounts has the reason and the next attempt');
is(scalar(() = $bridge->log() =~ /\[error\] .*Connection refused/g), 1,
    '    the log has one line for both accounts, as an error');

$device->close();
$bridge->stop();


sub bridge {
    my ($updates, $port) = @_;

    return Pimap::Bridge->new(t => $t, updates => $updates, imap => $port,
        server => Pimap::Bridge->master())->start()->wait_healthy();
}


sub update {
    my ($id, %update) = @_;
    my $account = delete($update{account}) // 'alice';

    $id = "u$id";

    $redis->command('FCALL', 'pimap_update', 2, "pimap:{$account}",
        'pimap:updates', 1000, 'phone', $id, $t->json({ id => $id,
            update => 'search', mailbox => 'INBOX', query => {}, %update }));
}


sub metric { return $bridge->metric("updates_$_[0]") // 0 }


sub event {
    my ($from) = @_;

    while (my $event = ($from // $device)->event()) {
        return $event->{json} if $event->{event} eq 'UpdateResult';
    }

    return Pimap::Missing->new();
}


sub result {
    my $event = event(@_);
    return "$event->{update} $event->{status}";
}
