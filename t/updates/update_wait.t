#!/usr/bin/perl

# "Prefer: wait=…" (RFC 7240) holds the answer until all results are there,
# whichever worker it is in, or as long as it says, or the worker leaves.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @transports = qw(http https h2);

my $t = Pimap->new(workers => 2, http => 'pimap_update_wait 20s;');
$t->plan(12 * @transports + 44);
$t->run();
$t->wait_ready();

my $n = 0;

for my $transport (@transports) {
    for my $parked (0, 1) {
        my $account = "w$transport$parked";
        my $s;

        if ($parked) {
            $s = $t->park($account, query => 'device=phone');
            $s->read_until(qr/: parked\n\n/);
            $t->subscribed($account);
        }

        my @ids = map { 'u' . ++$n } 1, 2;
        my $p = waiting($account, \@ids, 'wait=10', transport => $transport,
            device => 'phone');

        result($account, 'phone', $ids[1], 'two');
        result($account, 'tablet', $ids[0], 'of another device');
        ok(!$p->read_until(qr/done|two/, 0.2), "$transport: it waits");
        result($account, 'phone', $ids[0], 'one');

        my $answer = answer($p);

        is($answer->{status}, 200, '    for all results');
        is($answer->{applied}, 'wait=10', '    as it was asked to');
        is_deeply([ map { $_->{status} } @{ $answer->{json}{updates} } ],
            ['one', 'two'], '    which are in the answer, in order');
        is($answer->{json}{updates}[0]{event}, 'UpdateResult',
            '    as events');
        ok($t->wait_for(sub { $t->redis()->numsub($account) == $parked },
            'the last one'), '    then nobody waits any more');
        $s->close() if $s;
    }
}

# Over.

my $began = time();
my $answer = update('alice', ['a'], 'wait=1');

is($answer->{status}, 202, 'without a result in time');
cmp_ok(time() - $began, '>', 0.9, '    it waits as long as that');
like($answer->{head}, qr/^Preference-Applied: wait=1\r?$/m, '    it says');
is($answer->{json}{updates}[0]{status}, 'accepted', '    accepted');

result('alice', '', 'a', 'done');
$began = time();
$answer = update('alice', ['a'], 'wait=10');
is($answer->{status}, 200, 'a result that is there');
cmp_ok(time() - $began, '<', 5, '    comes at once');

# What is preferred.

for (['wait=1', 1], ['Wait = "1"', 1], ['respond-async, wait=1', 1],
    ['x="a,wait=9\\",";y=wait, wait=1;z, wait=5', 1], ['wait=1,wait=15', 1],
    ['wait=0'], ['wait'], ['wait=-1'], ['wait=x'], ['waiting=1'],
    ['x;wait=1'], ['x="wait=1'], [''], ['wait=1000000', 20],
    ['wait=99999999999999999999'])
{
    my ($prefer, $applied) = @$_;
    my $p = post('alice', ['b' . ++$n], $prefer);

    result('alice', '', "b$n", 'done') if $applied && $t->wait_for(
        sub { $t->redis()->numsub('alice') }, 'subscribed');

    my $answer = answer($p);

    is($answer->{status}, $applied ? 200 : 202, "Prefer: $prefer");
    is($answer->{applied}, $applied && "wait=$applied", '    applied');
}

# Several at once, of one account; one client goes.

my @waiting = map { waiting('bob', ["c$_"], 'wait=20', device => "d$_") }
    1 .. 4;

(pop(@waiting))->close();
result('bob', "d$_", "c$_", "r$_") for 1 .. 3;
is_deeply([ map { answer($_)->{json}{updates}[0]{status} } @waiting ],
    [qw(r1 r2 r3)], 'each gets its own');
ok($t->wait_for(sub { $t->redis()->numsub('bob') == 0 }, 'end'),
    '    nobody waits');

# Results that come while the subscription is lost.

my $p = waiting('carol', ['d'], 'wait=20');

$t->redis()->command(qw(CLIENT KILL TYPE pubsub));
result('carol', '', 'd', 'done');
is(answer($p)->{json}{updates}[0]{status}, 'done',
    'a result while the subscription is lost');

# The worker leaves.

my @held = map { waiting('dora', ["e$_"], 'wait=20') } 1 .. 3;

$began = time();
$t->reload();
is_deeply([ map { answer($_)->{status} } @held ], [202, 202, 202],
    'a reload: accepted');
cmp_ok(time() - $began, '<', 10, '    at once');
ok($t->wait_for(sub { $t->nginx()->{process}->group() == 3 }, 'old workers'),
    '    and the old workers leave');
is(update('dora', ['e1'], 'wait=1')->{status}, 202, 'the new ones go on');

is($t->status()->{accounts}, 0, 'no account is kept');


sub post {
    my ($account, $ids, $prefer, %set) = @_;

    my $device = delete $set{device} // '';

    return $t->request('POST', "/update?account=$account&device=$device",
        %set, body => join("\n", map { qq({"id":"$_","update":"b"}) } @$ids),
        headers => { 'Content-Type' => 'application/x-ndjson',
            Prefer => $prefer });
}


# One that has reached Redis, and its worker subscribed.

sub waiting {
    my ($account, $ids, @args) = @_;

    my $key = "pimap:{$account}:update:$ids->[-1] ";
    my $p = post($account, $ids, @args);

    $t->wait_for(sub { my %set = @args[1 .. $#args];
        $t->redis()->command('EXISTS', $key . ($set{device} // '')) }, $key);
    $t->subscribed($account);

    return $p;
}


sub result {
    my ($account, $device, $id, $status) = @_;
    $t->redis()->fcall('result', $account, $device, $id,
        { status => $status });
}


sub answer {
    my ($p) = @_;

    my %answer = (status => $p->status(),
        applied => $p->header('Preference-Applied'));

    $answer{json} = eval { JSON::PP::decode_json(
        $p->read_until(qr/\]\}\n/)) };
    $p->close();

    return \%answer;
}


sub update {
    my ($account, $ids, $prefer) = @_;

    return $t->update($account, [ map { { id => $_, update => 'b' } } @$ids ],
        headers => { Prefer => $prefer });
}
