#!/usr/bin/perl

# "Prefer: wait=…" (RFC 7240) delays the answer until all results are there, in
# whichever worker.  It ends at the time given, or when the worker leaves.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @transports = qw(http https h2);

my $t = Pimap->new(workers => 2, http => 'pimap_update_wait 20s;');
$t->plan(12 * @transports + 47);
$t->run();
$t->wait_ready();

my $n = 0;

for my $transport (@transports) {
    for my $parked (0, 1) {
        my $account = "w$transport$parked";
        my $s;

        if ($parked) {
            $s = $t->park($account, query => 'device=phone');
            $s->read_until(qr/: parked\n.*\n\n/);
            $t->subscribed($account);
        }

        my @ids = map { 'u' . ++$n } 1, 2;
        my $p = waiting($account, \@ids, 'wait=10', transport => $transport,
            device => 'phone');

        result($account, 'phone', $ids[1], 'two');
        result($account, 'tablet', $ids[0], 'of another device');
        ok(!$p->read_until(qr/done|two/, 0.2),
            "$transport: a missing result: it waits");
        result($account, 'phone', $ids[0], 'one');

        my $answer = answer($p);

        is($answer->{status}, 200, '    all results: the answer comes');
        is($answer->{applied}, 'wait=10',
            '    it names the time that was preferred');
        is_deeply([ map { $_->{status} } @{ $answer->{json}{updates} } ],
            ['one', 'two'], '    it has the results in order');
        is($answer->{json}{updates}[0]{event}, 'UpdateResult',
            '    as events');
        ok($t->wait_for(sub { $t->redis()->numsub($account) == $parked },
            'the last one'), '    no waiter is left');
        $s->close() if $s;
    }
}

# The time is over.

my $began = time();
my $answer = update('alice', ['a'], 'wait=1');

is($answer->{status}, 202, 'no result in time: 202');
cmp_ok(time() - $began, '>', 0.9, '    after the preferred time');
like($answer->{head}, qr/^Preference-Applied: wait=1\r?$/m,
    '    the answer names it');
is($answer->{json}{updates}[0]{status}, 'accepted', '    accepted');

result('alice', '', 'a', 'done');
$began = time();
$answer = update('alice', ['a'], 'wait=10');
is($answer->{status}, 200, 'a result that is known');
cmp_ok(time() - $began, '<', 5, '    comes at once');

# Spellings of the preference.

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

# Several requests of an account wait; a client leaves.

my @waiting = map { waiting('bob', ["c$_"], 'wait=20', device => "d$_") }
    1 .. 4;

(pop(@waiting))->close();
result('bob', "d$_", "c$_", "r$_") for 1 .. 3;
is_deeply([ map { answer($_)->{json}{updates}[0]{status} } @waiting ],
    [qw(r1 r2 r3)], 'each request gets its own result');
ok($t->wait_for(sub { $t->redis()->numsub('bob') == 0 }, 'end'),
    '    no waiter is left');

# Results that are published while the subscription is lost.

my $p = waiting('carol', ['d'], 'wait=20');

$t->redis()->command(qw(CLIENT KILL TYPE pubsub));
result('carol', '', 'd', 'done');
is(answer($p)->{json}{updates}[0]{status}, 'done',
    'a result while the subscription is lost');

# A result is lost together with the log, and is in Redis.  The next event
# shows that.

my $redis = $t->redis();
my $record = 'pimap:{carl}:update:l ';

$p = waiting('carl', ['l'], 'wait=20');
$redis->log('carl', { event => 'QuotaChange' });
$redis->command('SET', $record, $redis->command('GET', $record)
    . ' 1-1 {"event":"UpdateResult","update":"l","status":"lost"}');
$redis->command(qw(DEL pimap:{carl}));
$redis->log('carl', { event => 'QuotaChange' });
is(answer($p)->{json}{updates}[0]{status}, 'lost',
    'a result that the log has lost: the next event shows it');

# Events of many logs come at once, and the request asks Redis once or twice.

$p = waiting('dora', ['m'], 'wait=20');
$redis->log('dora', { event => 'QuotaChange' });

my $before = fcalls();

$redis->together(sub { $redis->command('PUBLISH', $redis->channel('dora'),
    "9000000000000000$_-1 {\"event\":\"QuotaChange\"}") for 100 .. 199 });
result('dora', '', 'm', 'done');
is(answer($p)->{json}{updates}[0]{status}, 'done', 'many logs: its result');
cmp_ok(fcalls() - $before, '<', 20, '    asked for a few times');

# The worker leaves.

my @held = map { waiting('dora', ["e$_"], 'wait=20') } 1 .. 3;

$began = time();
$t->reload();
is_deeply([ map { answer($_)->{status} } @held ], [202, 202, 202],
    'a reload: the answer is "accepted"');
cmp_ok(time() - $began, '<', 10, '    at once');
ok($t->wait_for(sub { $t->nginx()->{process}->group() == 3 }, 'old workers'),
    '    the old workers leave');
is(update('dora', ['e1'], 'wait=1')->{status}, 202,
    'the new workers accept updates');

ok($t->wait_for(sub { $t->status()->{accounts} == 0 }),
    'no account is left in memory');


sub post {
    my ($account, $ids, $prefer, %set) = @_;

    my $device = delete $set{device} // '';

    return $t->request('POST', "/update?account=$account&device=$device",
        %set, body => join("\n", map { qq({"id":"$_","update":"b"}) } @$ids),
        headers => { 'Content-Type' => 'application/x-ndjson',
            Prefer => $prefer });
}


# A request that waits, after Redis has its update and the worker subscribed.

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

    diag($p->{body}) if $p->status() >= 500;

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


sub fcalls {
    return $redis->command('INFO', 'commandstats')
        =~ /^cmdstat_fcall:calls=(\d+)/m ? $1 : 0;
}
