package Pimap::Conformance;

# The same cases for each client, by its adapter (Pimap::Adapter): each client
# is a row of the table in docs/clients.md, each case a column.
#
#     Pimap::Conformance->run(client => 'Python',
#         command => ['/usr/bin/python3', 'clients/adapter.py']);
#
# options => what the adapter gets besides; locations => further ones of nginx

use strict;
use warnings;

use Test::More import => [qw(is is_deeply ok pass subtest)];

use Pimap;
use Pimap::Adapter;
use Pimap::Conformance::Ends;
use Pimap::Conformance::Stream;
use Pimap::Conformance::Trouble;
use Pimap::Page;
use Pimap::Token;

# In the order of the table.
our @cases = (
    [park => \&Pimap::Conformance::Stream::park],
    [filter => \&Pimap::Conformance::Stream::filter],
    [resume => \&Pimap::Conformance::Stream::resume],
    [resync => \&Pimap::Conformance::Stream::resync],
    [compress => \&Pimap::Conformance::Stream::compress],
    [update => \&Pimap::Conformance::Stream::update],
    [supersede => \&Pimap::Conformance::Ends::supersede],
    [expiry => \&Pimap::Conformance::Ends::expiry],
    [reload => \&Pimap::Conformance::Ends::reload],
    [hibernate => \&Pimap::Conformance::Ends::hibernate],
    [retry => \&Pimap::Conformance::Trouble::retry],
    [backoff => \&Pimap::Conformance::Trouble::backoff],
    [silence => \&Pimap::Conformance::Trouble::silence],
);


sub run {
    my ($class, %set) = @_;

    my $t = Pimap->new(workers => 2, mode => '');
    my $self = bless({ %set, t => $t, token => Pimap::Token->new($t),
        adapters => [], updates => {}, number => 0 }, $class);

    $self->_configure();
    $t->plan(2 + @cases);
    $t->run();
    $t->wait_ready();

    my $first = $self->start('nobody');
    my %lacks = map { $_ => 1 } @{ $first->see('client')->{lacks} };

    ok($first->close(), 'it starts, and ends when it is told to');
    is_deeply({ $class->table($t->root()) }->{ $self->{client} },
        { map({ $_->[0] => 'yes' } @cases), map({ $_ => 'no' } keys(%lacks)) },
        'docs/clients.md says what it can');

    for my $case (@cases) {
        my ($name, $run) = @$case;

        if ($lacks{$name}) {
            pass("$name: it has no such thing");
            next;
        }

        $self->{account} = $name;
        subtest($name => sub { $run->($self) });
        $_->close() for splice(@{ $self->{adapters} });
    }
}


# The table of docs/clients.md: { client => { case => 'yes' or 'no' } }

sub table {
    my ($class, $root) = @_;

    my ($head, undef, @rows) = Pimap::Page->new($root, 'docs/clients.md')
        ->rows('What each client can do');
    my (undef, @names) = map { s/`//gr } @{ $head // [] };

    return map { my ($client, @cells) = @$_;
        my %cells;
        @cells{@names} = @cells;
        $client => \%cells } @rows;
}


sub _configure {
    my ($self) = @_;

    my $t = $self->{t};
    my $nginx = $t->nginx();
    my $dir = $t->dir();
    my $keys = $self->{token}->jwks('keys.json', 'secret');
    my %login = (events => 'token ticket', update => 'token',
        ticket => 'token');
    my %location = map { my ($path, $what, $more) = @$_;
        $path => "location = /$path { $more pimap_login $login{$what};"
            . " pimap_$what; }\n" } (
        ['events', 'events', ''], ['ticket', 'ticket', ''],
        ['updates', 'update', ''],
        ['asleep', 'events', 'pimap_hibernate on;'],
        ['busy', 'events', "if (-f $dir/busy) { add_header Retry-After 3"
            . ' always; return 503; }']);

    # a port with HTTP/1.1 only: by HTTP/2 no device sleeps

    $nginx->{server} = 'listen 127.0.0.1:' . $t->port('h1') . ' ssl;'
        . " pimap_token_key $keys; pimap_token_leeway 1s;"
        . ' pimap_retry 500ms;';
    $nginx->{http} = 'pimap_ping 300s min=1s; log_format wire "$msec'
        . ' $request_method $uri $status $arg_device'
        . ' $sent_http_content_encoding$sent_http_sec_websocket_extensions";'
        . " access_log $dir/wire.log wire;";
    $nginx->{locations} = join('', map { $location{$_} }
        sort(keys(%location))) . 'location = /status { pimap_status; }'
        . ($self->{locations} // '');
}


# An adapter of the case's account, until the end of the case.

sub adapter {
    my ($self, %options) = @_;

    my $adapter = $self->start($self->{account}, %options);

    push(@{ $self->{adapters} }, $adapter);
    return $adapter;
}


# path => another location than /events

sub start {
    my ($self, $account, %options) = @_;

    my $path = delete $options{path} // 'events';
    my $origin = 'https://127.0.0.1:' . $self->{t}->port('h1');
    my ($cert) = $self->{t}->certificate();

    return Pimap::Adapter->start(t => $self->{t}, command => $self->{command},
        options => { url => "$origin/$path", updates => "$origin/updates",
            ticket => "$origin/ticket", ca => $cert, device => 'phone',
            token => $self->login($account), %{ $self->{options} // {} },
            %options });
}


# A token; for some seconds only, if they are given.

sub login {
    my ($self, $account, $seconds) = @_;

    return $self->{token}->make(secret => { sub => $account,
        exp => int(time()) + ($seconds // 600), n => ++$self->{number} });
}


# An event in the account's log; returns its id.

sub log {
    my ($self, $event, %more) = @_;
    return $self->{t}->redis()->log($self->{account},
        { event => $event, %more });
}


# Waits until a response of the adapter is parked, and gets live events.

sub parked {
    my ($self, $adapter) = @_;

    ok($adapter->see('open'), 'it is parked');
    $self->{t}->subscribed($self->{account});
}


# The lines of the access log for a path: [time, method, status, device,
# coding].

sub requests {
    my ($self, $path) = @_;

    return map { my ($time, $method, $uri, @rest) = split(/ /, $_, 6);
        $uri eq $path ? [$time, $method, @rest] : () }
        split(/\n/, $self->{t}->read_file($self->{t}->dir() . '/wire.log'));
}


# The backend: answers the updates of the case's account; the number of times
# that it has carried out the one with this id.

sub carry_out {
    my ($self, $id) = @_;

    my $redis = $self->{t}->redis();

    for (@{ $redis->command('XRANGE', 'pimap:updates', '-', '+') }) {
        my ($entry, $fields) = @$_;
        my %update = @$fields;

        next if $update{account} ne $self->{account}
            || $self->{updates}{$entry}++;

        $redis->fcall('result', $update{account}, $update{device},
            $update{id}, '{"status":"done","uid":7}');
        $self->{done}{ $update{id} }++;
    }

    return $self->{done}{$id} // 0;
}


1;
