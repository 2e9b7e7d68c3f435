#!/usr/bin/perl

# integrations/consumer/: an update is carried out, its result reaches the
# device, and the stream is empty again. A failed update has a result, too.
# Another consumer takes over the updates of a consumer that died.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Consumer;
use Pimap::Page;

my $t = Pimap->new();
$t->plan(35);

# as the Redis user of its documentation page

my ($user) = map { $_->{text} =~ /^user (.*)/ } Pimap::Page->new($t->root(),
    'integrations/consumer/README.md')->blocks('redis');

$t->redis(users => [$user]);
$t->run();
$t->wait_ready();

my $backend = Pimap::Consumer->new($t, $user =~ /^(\w+) on >(\S+)/);
my $wait = { Prefer => 'wait=20' };
my $n = 0;

ok(lines('integrations/consumer/consumer.py') <= 160,
    'consumer.py has at most 160 lines');

# Updates from before the start of the consumer, and later ones.

my $s = $t->park('alice', query => 'device=phone');
$s->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');

post('early', 'done');
my $one = $backend->start(qw(--name one --claim 1 --timeout 4 --tries 3));

is_deeply($s->event()->{json}, { event => 'UpdateResult', device => 'phone',
    update => 'early', status => 'done', account => 'alice' },
    'an update from before its start is carried out');
is(answer('late', 'done')->{status}, 'done', 'a later update is carried out');
is($s->event()->{json}{update}, 'late', '    its result is an event, too');

my $odd = $t->update('%c3%a9%7d%20b', '{"id":"x","update":"done"}',
    headers => $wait);

is($odd->{json}{updates}[0]{account}, "\xe9} b",
    'an account with odd characters is passed on');
ok($backend->wait_done(3), 'the stream is empty');

# Results of the backend

is_deeply([@{ answer("bad$_", $_) }{qw(status detail)}],
    ['unknown', 'the backend failed'], "a backend: $_")
    for qw(fail odd text list);
is(answer('reserved', 'reserved')->{detail}, 'the result is unusable',
    'a result with a reserved member: unusable');
is(answer('hang', 'hang')->{detail}, 'it took too long',
    'the backend hangs: it took too long');
is(answer('never', 'later')->{detail}, 'tried too often',
    'the backend always fails: tried too often');
is(scalar(grep { $_ eq 'never' } $backend->seen()), 3,
    '    after three attempts');

post('later', 'later');
$t->wait_for(sub { grep { $_ eq 'later' } $backend->seen() }, 'a try');
$backend->make('later');
ok($t->wait_for(sub { grep { $_ eq 'later' } $backend->done() }, 'later'),
    'the backend fails once: the update is done later');
ok($backend->wait_done(4), 'the stream is empty');
$s->close();

# Each update is carried out once.

my @before = $backend->done();

is(answer('late', 'done')->{status}, 'done', 'an update is sent again');
$t->redis()->command(qw(XADD pimap:updates * account alice device phone id
    late time 1 body), '{"id":"late","update":"done"}');
ok($backend->wait_done(4), 'an update that has a result');
is_deeply([$backend->done()], \@before, '    is not carried out again');

# SIGTERM ends a consumer cleanly, also while it is busy.

stop($one);
$one = $backend->start(qw(--name one --claim 60 --timeout 30));
unlink($backend->file('go'));
post('busy', 'hang');
ok($t->wait_for(sub { grep { $_ eq 'busy' } $backend->seen() }, 'busy'),
    'SIGTERM comes during an update');
$one->signal('TERM');
$backend->make('go');
ok($t->wait_for(sub { !$one->running() }, 'end'), '    the consumer ends');
ok($backend->wait_done(5), '    after the update is done');
stop($one);

# Redis refuses the result for a while: a write needs a replica.

$one = $backend->start(qw(--name one --claim 1 --timeout 30));
unlink($backend->file('go'));
post('kept', 'hang');
ok($t->wait_for(sub { grep { $_ eq 'kept' } $backend->seen() }, 'kept'),
    'a result comes while Redis refuses writes');
$t->redis()->command(qw(CONFIG SET min-replicas-to-write 1));
$backend->make('go');
$t->wait_for(sub { $t->read_file($backend->file('consumer.out'))
    =~ /NOREPLICAS|replicas to write/ }, 'words');
$t->redis()->command(qw(CONFIG SET min-replicas-to-write 0));
ok($t->wait_for(sub { $backend->left() == 0 }), '    it is kept');
is((grep { $_ eq 'kept' } $backend->seen()) + 0, 1,
    '    and the update is carried out once');
stop($one);

# A consumer dies; another consumer claims its updates.

$one = $backend->start(qw(--name one --claim 60));
post('claimed', 'crash');
ok($t->wait_for(sub { !$one->running() }, 'crash'), 'a consumer dies');
is($backend->left(), 1, '    its update stays in the stream');
kill_group($one);

my $two = $backend->start(qw(--name two --claim 1 --tries 1));

is(answer('claimed', 'crash')->{detail}, 'tried too often',
    '    another consumer claims it');
post('again', 'done');
ok($backend->wait_done(7), '    and goes on with later updates');

# Redis is restarted, then loses all of its data.

$t->redis()->stop();

my $since = time();

$t->wait_for(sub { time() > $since + 3 });

my @said = $t->read_file($backend->file('consumer.out')) =~ /^consumer: .*/mg;
my %twice = map { $_ => 1 } @said;

is(scalar(@said), scalar(keys(%twice)),
    'Redis is away: the log says it once, not at each attempt');
$t->redis()->start();
ok($t->wait_for(sub {
    $t->update('alice', '{"id":"after","update":"done"}', device => 'phone',
        headers => $wait)->{status} == 200
}, 'a result'), 'after a restart of Redis an update is done');
is((grep { $_ eq 'after' } $backend->done()) + 0, 1, '    once');
like($t->read_file($backend->file('consumer.out')), qr/^consumer: /m,
    '    the log says that Redis was away');

$t->redis()->command('DEL', 'pimap:updates');
is(answer('group', 'done')->{status}, 'done',
    'after the group was lost an update is done');
ok($t->wait_for(sub { $backend->left() == 0 }), 'the stream is empty');
stop($two);


sub post {
    my ($id, $verb, @set) = @_;

    return $t->update('alice', qq({"id":"$id","update":"$verb"}),
        device => 'phone', @set);
}


sub answer {
    my ($id, $verb) = @_;
    return post($id, $verb, headers => { %$wait })->{json}{updates}[0];
}


sub stop { $t->stop($_[0]) }


# The backend processes of a consumer die with it.

sub kill_group {
    my ($process) = @_;
    kill('KILL', $process->group());
}


sub lines { scalar(() = $t->read_file($t->root() . "/$_[0]") =~ /\n/g) }
