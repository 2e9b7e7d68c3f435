package Pimap::Oom;

# Lets chosen allocations of a program fail.  It has to be started with env():
# then fail() says which allocations, and failed() how many did.

use strict;
use warnings;


# A checker brings an allocator of its own.

sub possible { return !$ENV{PIMAP_ASAN} && !$ENV{PIMAP_VALGRIND} }


sub new {
    my ($class, $t) = @_;

    my $library = $t->dir() . '/oom.so';

    system('cc', '-shared', '-fPIC', '-O1', '-Wall', '-o', $library,
        $t->root() . '/t/lib/oom.c', '-ldl') == 0
        or die "oom.c does not compile\n";

    my $file = $t->write_file($t->dir() . '/oom', "\0" x 64);

    return bless({ file => $file, library => $library,
        hiredis => _hiredis($t->module()) }, $class);
}


# hiredis is a part of the module's file, behind our own functions: where its
# first one is.

sub _hiredis {
    my ($module) = @_;

    my @symbols = `nm -n $module` =~ /^\w+ [tT] .*/mg;
    my ($last) = grep { $symbols[$_] =~ / (?:ngx_|pimap_)/ }
        reverse(0 .. $#symbols);

    my ($at) = grep { / redis\w+$/ } @symbols[$last + 1 .. $#symbols];

    return $at ? hex((split(/ /, $symbols[$last + 1]))[0]) : 0;
}


sub env {
    my ($self) = @_;
    return (LD_PRELOAD => $self->{library}, OOM_FILE => $self->{file});
}


# count => so many (1), skip => after so many, size => of so many bytes,
# by => part of the caller's file, such as "libjansson"

sub fail {
    my ($self, %set) = @_;

    my ($by, $at, $from, $to) = ($set{by}, $self->{hiredis}, 0, 0);

    ($by, $from) = ('ngx_pimap_module.so', $at) if $at && $by eq 'libhiredis';
    $to = $at if $at && $set{by} eq 'ngx_pimap_module.so';

    $self->_write(pack('L4 a40 L2', 0, $set{skip} // 0, $set{size} // 0, 0,
        $by, $from, $to));
    $self->_write(pack('L', $set{count} // 1));
}


sub failed { return unpack('x12 L', $_[0]->_read()) }

# True when all of them have failed.

sub spent { return unpack('L', $_[0]->_read()) == 0 }
sub stop  { return $_[0]->_write(pack('L', 0)) }


sub _write {
    my ($self, $bytes) = @_;

    open(my $fh, '+<:raw', $self->{file}) or die "$self->{file}: $!\n";
    syswrite($fh, $bytes) == length($bytes) or die "$self->{file}: $!\n";
    close($fh);
}


sub _read {
    my ($self) = @_;

    open(my $fh, '<:raw', $self->{file}) or die "$self->{file}: $!\n";
    sysread($fh, my $bytes, 64) == 64 or die "$self->{file}: $!\n";

    return $bytes;
}


1;
